import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from dev.tests.stack.conftest import Eventually

from ticketing_dev.stack.processes.ports import free_port, is_free
from ticketing_dev.stack.supervision.process import Process, ProcessStartError, running


def test_running_stops_the_process_after_the_block(fakes: Any, tmp_path: Path) -> None:
    spec = fakes.fake_spec("app", free_port(), tmp_path)
    with running(spec) as process:
        assert process.pid is not None
        assert psutil.pid_exists(process.pid)
        assert not is_free(spec.port)
    assert process.pid is None
    assert is_free(spec.port)


def test_process_restarts_at_the_same_address_after_kill(fakes: Any, tmp_path: Path) -> None:
    with running(fakes.fake_spec("app", free_port(), tmp_path)) as process:
        first = process.pid
        process.kill()
        assert not process.is_alive
        process.start()
        assert process.is_alive
        assert process.pid != first


def test_process_start_is_idempotent(fakes: Any, tmp_path: Path) -> None:
    with running(fakes.fake_spec("app", free_port(), tmp_path)) as process:
        pid = process.pid
        process.start()
        assert process.pid == pid


def test_process_start_error_contains_the_last_log_lines(fakes: Any, tmp_path: Path) -> None:
    spec = fakes.fake_spec("app", free_port(), tmp_path, program=fakes.EXITS_WITH_ERROR)
    with pytest.raises(ProcessStartError) as caught:
        Process(spec).start()
    assert str(caught.value).splitlines() == [
        "app did not start: it exited with status 3",
        "  first line",
        "  last line",
        f"  (full log: {spec.log})",
    ]


def test_process_start_error_names_a_missing_program(fakes: Any, tmp_path: Path) -> None:
    spec = fakes.fake_spec("app", free_port(), tmp_path)
    object.__setattr__(spec, "command", ("/no/such/program",))
    with pytest.raises(ProcessStartError, match="/no/such/program: No such file or directory"):
        Process(spec).start()


def test_process_start_kills_the_process_after_start_timeout(fakes: Any, tmp_path: Path) -> None:
    program = fakes.NEVER_LISTENS
    process = Process(
        fakes.fake_spec("app", free_port(), tmp_path, program=program, start_timeout=0.2)
    )
    with pytest.raises(ProcessStartError, match="not ready in 0 s"):
        process.start()
    assert not process.is_alive


def test_process_start_fails_when_the_port_is_in_use(fakes: Any, tmp_path: Path) -> None:
    port = free_port()
    with running(fakes.fake_spec("first", port, tmp_path)):
        second = Process(fakes.fake_spec("second", port, tmp_path))
        with pytest.raises(ProcessStartError, match=f"port {port} is in use by another program"):
            second.start()


def test_process_start_fails_when_initialize_fails(fakes: Any, tmp_path: Path) -> None:
    def fail() -> None:
        raise TimeoutError("no primary")

    process = Process(fakes.fake_spec("app", free_port(), tmp_path, initialize=fail))
    with pytest.raises(ProcessStartError, match="TimeoutError: no primary"):
        process.start()
    assert not process.is_alive


def test_process_stop_kills_after_stop_timeout(fakes: Any, tmp_path: Path) -> None:
    spec = fakes.fake_spec(
        "app", free_port(), tmp_path, program=fakes.IGNORES_SIGTERM, stop_timeout=0.2
    )
    with running(spec) as process:
        process.stop()
        assert process.wait() == -signal.SIGKILL


def test_process_outlives_the_thread_that_started_it(fakes: Any, tmp_path: Path) -> None:
    process = Process(fakes.fake_spec("app", free_port(), tmp_path))
    thread = threading.Thread(target=process.start)
    thread.start()
    thread.join()
    assert process.wait(timeout=0.2) is None
    process.stop()


def test_process_inherits_no_other_variables(
    fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_PRIVATE_KEY", "from-the-shell")
    program = "import os; print(sorted(os.environ)); raise SystemExit(1)"
    spec = fakes.fake_spec("app", free_port(), tmp_path, program=program, env={"MINE": "1"})
    with pytest.raises(ProcessStartError) as caught:
        Process(spec).start()
    assert "'MINE'" in str(caught.value)
    assert "JWT_PRIVATE_KEY" not in str(caught.value)


PARENT = """
import pathlib, runpy, sys, time
from ticketing_dev.stack.supervision.process import Process
fakes = runpy.run_path(sys.argv[1], run_name="fakes")
process = Process(fakes["fake_spec"]("app", int(sys.argv[2]), pathlib.Path(sys.argv[3])))
process.start()
print(process.pid, flush=True)
time.sleep(600)
"""


def test_process_dies_with_its_parent(fakes: Any, tmp_path: Path, eventually: Eventually) -> None:
    port = free_port()
    command = [sys.executable, "-c", PARENT, fakes.path, str(port), tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert os.getpgid(child) == child, "a Ctrl-C for the parent would reach it"
        parent.kill()
    eventually(lambda: is_free(port))
