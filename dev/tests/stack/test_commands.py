"""`ticketing` as a program, on a market of fake parts."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from dev.tests.stack.conftest import Eventually

from ticketing_dev.stack import lifecycle
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.ports import free_port, is_free
from ticketing_testing.timeouts import TIMEOUT_SECONDS


def lives(pid: int) -> bool:
    """Whether the process runs. One that ended may wait for a lazy init to bury it."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Ended(NamedTuple):
    """A command line that has run to its end."""

    returncode: int
    out: str
    err: str


class Ticketing:
    """The command line, on one data folder and port."""

    up: Ended
    """How it began, where it was begun for many tests."""

    def __init__(self, program: Path, data: Path, port: int) -> None:
        self.program, self.data, self.port = program, data, port

    def begin(self, *args: str, **env: str) -> subprocess.Popen[str]:
        command: list[str | Path] = [sys.executable, self.program, *args, "--data", self.data]
        if args[0] == "up":
            command += ["--port", str(self.port)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=os.environ | env, stdout=pipe, stderr=pipe, text=True)

    def __call__(self, *args: str, **env: str) -> Ended:
        with self.begin(*args, **env) as process:
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        return Ended(process.returncode, out, err)

    def state(self) -> Any:
        return json.loads(self("status", "--json").out)

    def stored(self) -> Any:
        """The state file: what `status` shows, without asking whether it is still so."""
        try:
            return json.loads((self.data / "state.json").read_text())
        except FileNotFoundError:
            return {"state": "none", "processes": []}

    def ports(self) -> list[int]:
        return [int(part["address"].split(":")[1]) for part in self.stored()["processes"]]


@pytest.fixture
def new(fakes: Any, tmp_path: Path) -> Iterator[Callable[[], Ticketing]]:
    """Makes command lines, each for a stack of its own; stops what still runs at the end."""
    made: list[Ticketing] = []

    def make() -> Ticketing:
        made.append(Ticketing(fakes.path, tmp_path / f"stack {len(made)}", free_port()))
        return made[-1]

    yield make
    for ticketing in made:
        lifecycle.down(DataFolder(ticketing.data))


@pytest.fixture
def ticketing(new: Callable[[], Ticketing]) -> Ticketing:
    return new()


@pytest.fixture(scope="module")
def running(fakes: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ticketing]:
    """A stack that runs, for tests that only look at it."""
    ticketing = Ticketing(fakes.path, tmp_path_factory.mktemp("running"), free_port())
    ticketing.up = ticketing("up", "--detach")
    yield ticketing
    lifecycle.down(DataFolder(ticketing.data))


def test_a_detached_stack_runs_until_it_is_taken_down(ticketing: Ticketing) -> None:
    up = ticketing("up", "--detach")
    assert (up.returncode, up.err) == (0, "")
    assert f"http://localhost:{ticketing.port}" in up.out
    state = ticketing.state()
    assert state["state"] == "ready"
    assert [part["name"] for part in state["processes"]] == ["store", "app", "ingress"]
    assert all(part["state"] == "ready" for part in state["processes"])
    assert all(part["restarts"] == 0 for part in state["processes"])
    assert all(lives(part["pid"]) for part in state["processes"])
    assert state["processes"][2]["address"] == f"127.0.0.1:{ticketing.port}"

    assert ticketing("down").returncode == 0
    assert not any(lives(part["pid"]) for part in state["processes"])
    assert not lives(state["pid"])
    assert all(map(is_free, ticketing.ports()))
    status = ticketing("status")
    assert status.returncode == 1
    assert "No stack is running" in status.err
    assert ticketing.state()["processes"] == []


def test_each_part_is_shown_getting_ready_with_its_time(running: Ticketing) -> None:
    lines = running.up.out.splitlines()
    assert [line.split()[1:4] for line in lines[:3]] == [
        [name, "ready", "in"] for name in ("store", "app", "ingress")
    ]


def test_two_stacks_run_side_by_side(new: Callable[[], Ticketing]) -> None:
    one, other = new(), new()
    assert one("up", "--detach").returncode == other("up", "--detach").returncode == 0
    assert not set(one.ports()) & set(other.ports())
    one("down")
    assert other.state()["state"] == "ready"


def test_a_second_up_says_who_runs_it(running: Ticketing) -> None:
    second = running("up")
    assert second.returncode == 1
    assert f"process {running.stored()['pid']}, http://localhost:{running.port}" in second.err
    assert running.state()["state"] == "ready"


def test_a_taken_port_is_named_with_what_to_do(ticketing: Ticketing) -> None:
    with socket.create_server(("127.0.0.1", ticketing.port)):
        up = ticketing("up")
    assert up.returncode == 1
    assert f"Port {ticketing.port} is in use" in up.err
    assert "--port" in up.err


@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_a_part_that_cannot_start_is_named_with_its_last_words(
    fakes: Any, ticketing: Ticketing, how: tuple[str, ...]
) -> None:
    up = ticketing("up", *how, FAKE_APP=fakes.EXITS_WITH_ERROR)
    assert up.returncode == 1
    said = up.out + up.err
    assert "app did not start: it exited with status 3\n  first line\n  last line" in said
    assert all(map(is_free, ticketing.ports()))
    assert ticketing("status").returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_stack_in_order(
    ticketing: Ticketing, eventually: Eventually, number: int
) -> None:
    with ticketing.begin("up") as up:
        eventually(lambda: ticketing.stored()["state"] == "ready")
        up.send_signal(number)
        out, err = up.communicate(timeout=TIMEOUT_SECONDS)
    assert (up.returncode, err) == (0, "")
    assert out.endswith("Stopping\nStopped.\n")
    assert all(map(is_free, ticketing.ports()))


def test_a_signal_stops_a_half_finished_start(
    fakes: Any, ticketing: Ticketing, eventually: Eventually
) -> None:
    with ticketing.begin("up", FAKE_APP=fakes.NEVER_LISTENS) as up:
        eventually(
            lambda: (
                [p["state"] for p in ticketing.stored()["processes"]][:2] == ["ready", "starting"]
            )
        )
        pids = [part["pid"] for part in ticketing.stored()["processes"] if part["pid"]]
        up.send_signal(signal.SIGINT)
        _, err = up.communicate(timeout=TIMEOUT_SECONDS)
    assert up.returncode == 1
    assert "Interrupted before the stack was ready" in err
    assert len(pids) == 2
    assert not any(map(lives, pids))


def test_a_start_that_nobody_watches_any_more_is_stopped(
    fakes: Any, ticketing: Ticketing, eventually: Eventually
) -> None:
    # The app gets ready, and that is said, only when the reader is gone.
    gone = ticketing.data / "gone"
    waits = f"import os, time\nwhile not os.path.exists({str(gone)!r}): time.sleep(0.01)\n"
    with ticketing.begin("up", FAKE_APP=waits + fakes.LISTENS) as up:
        assert up.stdout is not None
        assert up.stderr is not None
        assert "store" in up.stdout.readline()
        up.stdout.close()
        gone.touch()
        assert up.wait(timeout=TIMEOUT_SECONDS) == 1
        assert "Traceback" not in up.stderr.read()
    assert ticketing.stored()["state"] == "stopped"
    assert all(map(is_free, ticketing.ports()))


def test_a_killed_supervisor_takes_its_parts_along(
    ticketing: Ticketing, eventually: Eventually
) -> None:
    ticketing("up", "--detach")
    os.kill(ticketing.state()["pid"], signal.SIGKILL)
    eventually(lambda: all(map(is_free, ticketing.ports())))
    assert ticketing("status").returncode == 1
    assert ticketing("up", "--detach").returncode == 0


def test_a_killed_part_comes_back_at_the_same_address(
    ticketing: Ticketing, eventually: Eventually
) -> None:
    ticketing("up", "--detach")
    before = ticketing.stored()["processes"][1]
    os.kill(before["pid"], signal.SIGKILL)
    after = eventually(
        lambda: (part := ticketing.stored()["processes"][1])["restarts"] and part["pid"] and part
    )
    assert after["address"] == before["address"]
    assert after["pid"] != before["pid"]
    eventually(lambda: ticketing.stored()["processes"][1]["state"] == "ready")
    told = ticketing("logs", "stack").out
    assert "app ended with status -9; restarting in 0.1 s" in told


def test_data_keys_and_addresses_survive_a_restart(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    ports, keys = ticketing.ports(), (ticketing.data / "secrets.json").read_text()
    ticketing("down")
    ticketing("up", "--detach")
    assert ticketing.ports() == ports
    assert (ticketing.data / "secrets.json").read_text() == keys
    assert (ticketing.data / "store" / "starts").read_text() == "xx"


def test_fresh_forgets_all_data_of_the_stack_and_touches_nothing_else(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    keys = (ticketing.data / "secrets.json").read_text()
    (ticketing.data / "mine.txt").write_text("not the stack's")
    ticketing("down")
    ticketing("up", "--detach", "--fresh")
    assert (ticketing.data / "store" / "starts").read_text() == "x"
    assert (ticketing.data / "secrets.json").read_text() != keys
    assert (ticketing.data / "mine.txt").exists()


def test_the_status_is_also_for_people(running: Ticketing) -> None:
    out = running("status").out.splitlines()
    assert out[0].startswith(f"http://localhost:{running.port} is ready")
    assert [line.split()[0] for line in out[1:]] == ["name", "store", "app", "ingress"]


def test_fresh_is_refused_while_the_stack_runs(running: Ticketing) -> None:
    assert running("up", "--fresh").returncode == 1
    assert (running.data / "store" / "starts").read_text() == "x"


def test_keys_are_for_their_owner_alone(running: Ticketing) -> None:
    mode = (running.data / "secrets.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_logs_say_whose_they_are(running: Ticketing) -> None:
    store, app, _ = running.ports()
    everything = running("logs").out.splitlines()
    assert f"store   | hello from {store}" in everything
    assert f"app     | hello from {app}" in everything
    assert running("logs", "app").out == f"app     | hello from {app}\n"
    unknown = running("logs", "nobody")
    assert unknown.returncode == 1
    assert "The processes are store, app, ingress" in unknown.err


def test_logs_go_on_as_they_come(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    with ticketing.begin("logs", "app", "-f") as logs:
        assert logs.stdout is not None
        assert "hello from" in logs.stdout.readline()
        os.kill(ticketing.stored()["processes"][1]["pid"], signal.SIGKILL)
        assert "hello from" in logs.stdout.readline()
        logs.send_signal(signal.SIGINT)
        logs.communicate(timeout=TIMEOUT_SECONDS)
    assert logs.returncode == 0


def test_down_without_a_stack_is_no_failure(ticketing: Ticketing) -> None:
    down = ticketing("down")
    assert down.returncode == 0
    assert "No stack is running" in down.out
