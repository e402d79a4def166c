"""Start, wait for, stop and kill one process of the stack."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ticketing_dev.stack.processes.ports import is_free
from ticketing_dev.stack.processes.spec import ProcessSpec

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")

# The only variables that a process inherits, so that it behaves the same for every developer.
INHERITED_VARIABLES = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")

FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.01, 0.1
LOG_TAIL_BYTES = 64 * 1024

# The parent-death signal is sent when the *thread* that forked ends: one lasting thread forks all.
_forking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forking")


class ProcessStartError(Exception):
    """A process did not become ready. The message contains the last lines of its log."""

    def __init__(self, spec: ProcessSpec, reason: str, last_lines: list[str]) -> None:
        super().__init__(spec.name, reason, last_lines)
        self.spec, self.reason, self.last_lines = spec, reason, last_lines

    def __str__(self) -> str:
        lines = [f"{self.spec.name} did not start: {self.reason}", *self.last_lines]
        if self.last_lines:
            lines.append(f"(full log: {self.spec.log})")
        return "\n  ".join(lines)


class Process:
    """A process run from its spec. Thread-safe."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begin = 0

    @property
    def pid(self) -> int | None:
        """The process id while the process runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            ProcessStartError: it is not ready in time; it has been killed.
        """
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process without waiting, unless it runs already.

        Raises:
            ProcessStartError: its port is in use.
        """
        if self.is_alive:
            return
        spec = self.spec
        if not is_free(spec.port):  # else the readiness check would reach another program
            raise ProcessStartError(spec, f"port {spec.port} is in use by another program", [])
        spec.data.mkdir(parents=True, exist_ok=True)
        for name, text in spec.files.items():
            path = spec.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = [sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid())]
        command += [str(int(spec.orphan_signal)), *spec.command]
        inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
        with spec.log.open("ab") as log:
            self._log_begin = log.tell()
            self._child = _forking.submit(
                subprocess.Popen,
                command,
                cwd=spec.data,
                env=inherited | dict(spec.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C in the terminal reaches the supervisor only
            ).result()

    def wait_until_ready(self) -> None:
        """Poll the readiness check, then run `initialize`.

        Raises:
            ProcessStartError: the process ended, was not ready in time, or `initialize` failed.
        """
        deadline, delay = time.monotonic() + self.spec.start_timeout, FIRST_POLL_SECONDS
        while not self.spec.is_ready():
            if not self.is_alive:
                raise self._start_error(f"it exited with status {self.wait()}")
            if time.monotonic() > deadline:
                raise self._start_error(f"it was not ready in {self.spec.start_timeout:.0f} s")
            time.sleep(delay)
            delay = min(delay * 1.5, MAX_POLL_SECONDS)
        if self.spec.initialize:
            try:
                self.spec.initialize()
            except Exception as error:
                raise self._start_error(f"{type(error).__name__}: {error}") from error

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end; return the exit status, or None if it never ran or still runs."""
        if self._child is None:
            return None
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._signal_group(signal.SIGKILL)  # workers that outlived their master
        return status

    def stop(self) -> bool:
        """Send SIGTERM, and SIGKILL after `stop_timeout`. Return whether SIGTERM was enough."""
        if self._child and self.is_alive:
            self._child.terminate()
            if self.wait(self.spec.stop_timeout) is None:
                self.kill()
                return False
        return True

    def kill(self) -> None:
        """Send SIGKILL, to simulate a crash."""
        self._signal_group(signal.SIGKILL)
        self.wait()

    def last_lines(self, count: int = 20) -> list[str]:
        """Return the last lines logged since the last start."""
        if not self.spec.log.exists():
            return []
        with self.spec.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_begin, end - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]

    def _start_error(self, reason: str) -> ProcessStartError:
        return ProcessStartError(self.spec, reason, self.last_lines())

    def _signal_group(self, number: signal.Signals) -> None:
        if self._child:
            # macOS raises PermissionError for a group that has only zombies left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


@contextmanager
def running(spec: ProcessSpec) -> Iterator[Process]:
    """Run a process for the block: ready inside it, stopped at its end.

    Raises:
        ProcessStartError: the process did not become ready.
    """
    process = Process(spec)
    process.start()
    try:
        yield process
    finally:
        process.stop()
