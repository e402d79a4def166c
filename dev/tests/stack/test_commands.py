"""The `ticketing` command on a stack of fake processes."""

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


def is_alive(pid: int) -> bool:
    """Return whether the process runs. A zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _restore_sigint() -> None:
    # A job in the background of a shell ignores SIGINT, and so does each process that it starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Result(NamedTuple):
    """The result of a command."""

    returncode: int
    out: str
    err: str


class Ticketing:
    """The command line for one data folder and port."""

    up: Result
    """The result of `up`, for a stack shared by several tests."""

    def __init__(self, program: Path, data: Path, port: int) -> None:
        self.program, self.data, self.port = program, data, port

    def begin(self, *args: str, **env: str) -> subprocess.Popen[str]:
        command: list[str | Path] = [sys.executable, self.program, *args, "--data", self.data]
        if args[0] == "up":
            command += ["--port", str(self.port)]
        return subprocess.Popen(
            command,
            env=os.environ | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_restore_sigint,
        )

    def __call__(self, *args: str, **env: str) -> Result:
        with self.begin(*args, **env) as process:
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        return Result(process.returncode, out, err)

    def state(self) -> Any:
        return json.loads(self("status", "--json").out)

    def stored_state(self) -> Any:
        """Return the state file."""
        try:
            return json.loads((self.data / "state.json").read_text())
        except FileNotFoundError:
            return {"state": "none", "processes": []}

    def ports(self) -> list[int]:
        return [
            int(process["address"].split(":")[1]) for process in self.stored_state()["processes"]
        ]


@pytest.fixture
def new(fakes: Any, tmp_path: Path) -> Iterator[Callable[[], Ticketing]]:
    """A factory of command lines, each for its own stack; all are stopped at the end."""
    created: list[Ticketing] = []

    def create() -> Ticketing:
        created.append(Ticketing(fakes.path, tmp_path / f"stack {len(created)}", free_port()))
        return created[-1]

    yield create
    for ticketing in created:
        lifecycle.down(DataFolder(ticketing.data))


@pytest.fixture
def ticketing(new: Callable[[], Ticketing]) -> Ticketing:
    return new()


@pytest.fixture(scope="module")
def running(fakes: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ticketing]:
    """A running stack, for tests that only read from it."""
    ticketing = Ticketing(fakes.path, tmp_path_factory.mktemp("running"), free_port())
    ticketing.up = ticketing("up", "--detach")
    yield ticketing
    lifecycle.down(DataFolder(ticketing.data))


def test_up_detached_runs_until_down(ticketing: Ticketing) -> None:
    up = ticketing("up", "--detach")
    assert (up.returncode, up.err) == (0, "")
    assert f"http://localhost:{ticketing.port}" in up.out
    state = ticketing.state()
    assert state["state"] == "ready"
    assert [process["name"] for process in state["processes"]] == ["store", "app", "ingress"]
    assert all(process["state"] == "ready" for process in state["processes"])
    assert all(process["restarts"] == 0 for process in state["processes"])
    assert all(is_alive(process["pid"]) for process in state["processes"])
    assert state["processes"][2]["address"] == f"127.0.0.1:{ticketing.port}"

    assert ticketing("down").returncode == 0
    assert not any(is_alive(process["pid"]) for process in state["processes"])
    assert not is_alive(state["pid"])
    assert all(map(is_free, ticketing.ports()))
    status = ticketing("status")
    assert status.returncode == 1
    assert "No stack is running" in status.err
    assert ticketing.state()["processes"] == []


def test_up_prints_each_ready_process(running: Ticketing) -> None:
    lines = running.up.out.splitlines()
    assert [line.split()[1:4] for line in lines[:3]] == [
        [name, "ready", "in"] for name in ("store", "app", "ingress")
    ]


def test_up_runs_two_stacks_in_parallel(new: Callable[[], Ticketing]) -> None:
    one, other = new(), new()
    assert one("up", "--detach").returncode == other("up", "--detach").returncode == 0
    assert not set(one.ports()) & set(other.ports())
    one("down")
    assert other.state()["state"] == "ready"


def test_up_names_the_stack_that_is_already_running(running: Ticketing) -> None:
    second = running("up")
    assert second.returncode == 1
    assert f"process {running.stored_state()['pid']}, http://localhost:{running.port}" in second.err
    assert running.state()["state"] == "ready"


def test_up_names_a_port_in_use_and_the_option(ticketing: Ticketing) -> None:
    with socket.create_server(("127.0.0.1", ticketing.port)):
        up = ticketing("up")
    assert up.returncode == 1
    assert f"Port {ticketing.port} is in use" in up.err
    assert "--port" in up.err


@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_up_prints_the_last_log_lines_of_a_failed_process(
    fakes: Any, ticketing: Ticketing, how: tuple[str, ...]
) -> None:
    up = ticketing("up", *how, FAKE_APP=fakes.EXITS_WITH_ERROR)
    assert up.returncode == 1
    output = up.out + up.err
    assert "app did not start: it exited with status 3\n  first line\n  last line" in output
    assert all(map(is_free, ticketing.ports()))
    assert ticketing("status").returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_stops_in_order_on_a_signal(
    ticketing: Ticketing, eventually: Eventually, number: int
) -> None:
    with ticketing.begin("up") as up:
        eventually(lambda: ticketing.stored_state()["state"] == "ready")
        up.send_signal(number)
        out, err = up.communicate(timeout=TIMEOUT_SECONDS)
    assert (up.returncode, err) == (0, "")
    assert out.endswith("Stopping\nStopped.\n")
    assert all(map(is_free, ticketing.ports()))


def test_up_stops_on_a_signal_during_start(
    fakes: Any, ticketing: Ticketing, eventually: Eventually
) -> None:
    with ticketing.begin("up", FAKE_APP=fakes.NEVER_LISTENS) as up:
        eventually(
            lambda: (
                [p["state"] for p in ticketing.stored_state()["processes"]][:2]
                == ["ready", "starting"]
            )
        )
        pids = [
            process["pid"] for process in ticketing.stored_state()["processes"] if process["pid"]
        ]
        up.send_signal(signal.SIGINT)
        _, err = up.communicate(timeout=TIMEOUT_SECONDS)
    assert up.returncode == 1
    assert "Interrupted before the stack was ready" in err
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def test_up_stops_when_its_output_is_closed_during_start(
    fakes: Any, ticketing: Ticketing, eventually: Eventually
) -> None:
    # The app gets ready, and that is output, only when the reader is gone.
    gone = ticketing.data / "gone"
    wait_until_gone = (
        f"import os, time\nwhile not os.path.exists({str(gone)!r}): time.sleep(0.01)\n"
    )
    with ticketing.begin("up", FAKE_APP=wait_until_gone + fakes.LISTENS) as up:
        assert up.stdout is not None
        assert up.stderr is not None
        assert "store" in up.stdout.readline()
        up.stdout.close()
        gone.touch()
        assert up.wait(timeout=TIMEOUT_SECONDS) == 1
        assert "Traceback" not in up.stderr.read()
    assert ticketing.stored_state()["state"] == "stopped"
    assert all(map(is_free, ticketing.ports()))


def test_up_leaves_no_process_after_sigkill(ticketing: Ticketing, eventually: Eventually) -> None:
    ticketing("up", "--detach")
    os.kill(ticketing.state()["pid"], signal.SIGKILL)
    eventually(lambda: all(map(is_free, ticketing.ports())))
    assert ticketing("status").returncode == 1
    assert ticketing("up", "--detach").returncode == 0


def test_up_restarts_a_killed_process_at_the_same_address(
    ticketing: Ticketing, eventually: Eventually
) -> None:
    ticketing("up", "--detach")
    before = ticketing.stored_state()["processes"][1]
    os.kill(before["pid"], signal.SIGKILL)
    after = eventually(
        lambda: (
            (process := ticketing.stored_state()["processes"][1])["restarts"]
            and process["pid"]
            and process
        )
    )
    assert after["address"] == before["address"]
    assert after["pid"] != before["pid"]
    eventually(lambda: ticketing.stored_state()["processes"][1]["state"] == "ready")
    output = ticketing("logs", "stack").out
    assert "app ended with status -9; restarting in 0.1 s" in output


def test_up_keeps_data_secrets_and_addresses(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    ports, secrets = ticketing.ports(), (ticketing.data / "secrets.json").read_text()
    ticketing("down")
    ticketing("up", "--detach")
    assert ticketing.ports() == ports
    assert (ticketing.data / "secrets.json").read_text() == secrets
    assert (ticketing.data / "store" / "starts").read_text() == "xx"


def test_up_fresh_deletes_only_data_of_the_stack(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    secrets = (ticketing.data / "secrets.json").read_text()
    (ticketing.data / "mine.txt").write_text("of the user")
    ticketing("down")
    ticketing("up", "--detach", "--fresh")
    assert (ticketing.data / "store" / "starts").read_text() == "x"
    assert (ticketing.data / "secrets.json").read_text() != secrets
    assert (ticketing.data / "mine.txt").exists()


def test_status_prints_a_table(running: Ticketing) -> None:
    out = running("status").out.splitlines()
    assert out[0].startswith(f"http://localhost:{running.port} is ready")
    assert [line.split()[0] for line in out[1:]] == ["name", "store", "app", "ingress"]


def test_up_fresh_fails_while_the_stack_is_running(running: Ticketing) -> None:
    assert running("up", "--fresh").returncode == 1
    assert (running.data / "store" / "starts").read_text() == "x"


def test_files_of_the_stack_are_readable_by_their_owner_only(running: Ticketing) -> None:
    files = [path for path in running.data.rglob("*") if path.is_file()]
    assert {"secrets.json", "state.json", "starts"} <= {path.name for path in files}
    assert [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_logs_prefix_lines_with_the_process(running: Ticketing) -> None:
    store, app, _ = running.ports()
    everything = running("logs").out.splitlines()
    assert f"store   | hello from {store}" in everything
    assert f"app     | hello from {app}" in everything
    assert running("logs", "app").out == f"app     | hello from {app}\n"
    unknown = running("logs", "nobody")
    assert unknown.returncode == 1
    assert "The processes are store, app, ingress" in unknown.err


def test_logs_fail_where_no_stack_has_run(ticketing: Ticketing) -> None:
    logs = ticketing("logs")
    assert logs.returncode == 1
    assert "so it has no logs" in logs.err


def test_logs_follow_prints_new_lines(ticketing: Ticketing) -> None:
    ticketing("up", "--detach")
    with ticketing.begin("logs", "app", "-f") as logs:
        assert logs.stdout is not None
        assert "hello from" in logs.stdout.readline()
        os.kill(ticketing.stored_state()["processes"][1]["pid"], signal.SIGKILL)
        assert "hello from" in logs.stdout.readline()
        logs.send_signal(signal.SIGINT)
        logs.communicate(timeout=TIMEOUT_SECONDS)
    assert logs.returncode == 0


def test_down_succeeds_without_a_stack(ticketing: Ticketing) -> None:
    down = ticketing("down")
    assert down.returncode == 0
    assert "No stack is running" in down.out
