"""One part as a child process: started, awaited, stopped, killed, started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ticketing_dev.stack.ports import is_free
from ticketing_dev.stack.processes import Part

TETHER = Path(__file__).with_name("tether.py")

# What a program needs of our environment to run at all. More would make it differ by who starts it.
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1
LOG_TAIL_BYTES = 64 * 1024

# The kernel ends a tethered child with the *thread* that forked it: one that lasts forks them all.
_forking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forking")


class DidNotStart(Exception):
    """A part did not become ready; tells its last words."""

    def __init__(self, part: Part, why: str, last_lines: list[str]) -> None:
        super().__init__(part.name, why, last_lines)
        self.part, self.why, self.last_lines = part, why, last_lines

    def __str__(self) -> str:
        lines = [f"{self.part.name} did not start: {self.why}", *self.last_lines]
        if self.last_lines:
            lines.append(f"(the whole log: {self.part.log})")
        return "\n  ".join(lines)


class Process:
    """A part's process. Its methods can be called from any thread."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begin = 0

    @property
    def pid(self) -> int | None:
        """The number of the living process, if there is one."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    def start(self) -> None:
        """Start it and wait until it is ready; raises DidNotStart, with nothing left running."""
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start it without waiting, unless it runs; raises DidNotStart where its port is taken."""
        if self.alive:
            return
        part = self.part
        if not is_free(part.port):  # whoever answers there would be taken for the part
            raise DidNotStart(part, f"port {part.port} is taken by another program", [])
        part.data.mkdir(parents=True, exist_ok=True)
        for name, text in part.files.items():
            path = part.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid())]
        command += [str(int(part.orphan_signal)), *part.command]
        env = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(part.env)
        with part.log.open("ab") as log:
            self._log_begin = log.tell()
            self._child = _forking.submit(
                subprocess.Popen,
                command,
                cwd=part.data,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # a Ctrl-C in the terminal is for whoever started it
            ).result()

    def wait_until_ready(self) -> None:
        """Wait until the part answers and its `after_start` is done; raises DidNotStart."""
        deadline, pause = time.monotonic() + self.part.patience, FIRST_PAUSE
        while not self.part.ready():
            if not self.alive:
                raise self._did_not_start(f"it exited with status {self.wait()}")
            if time.monotonic() > deadline:
                raise self._did_not_start(f"it was not ready in {self.part.patience:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        if self.part.after_start:
            try:
                self.part.after_start()
            except Exception as error:
                raise self._did_not_start(f"{type(error).__name__}: {error}") from error

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended: its exit status; None if it never ran or still runs by then."""
        if self._child is None:
            return None
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._signal_group(signal.SIGKILL)  # such as a worker that its master left behind
        return status

    def stop(self) -> bool:
        """Ask it to end, and after its grace make it. Gives whether it ended by itself."""
        if self._child and self.alive:
            self._child.terminate()
            if self.wait(self.part.grace) is None:
                self.kill()
                return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash would: no time to flush, no goodbye."""
        self._signal_group(signal.SIGKILL)
        self.wait()

    def last_lines(self, count: int = 20) -> list[str]:
        """The last lines that it logged since it was last started."""
        if not self.part.log.exists():
            return []
        with self.part.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_begin, end - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]

    def _did_not_start(self, why: str) -> DidNotStart:
        return DidNotStart(self.part, why, self.last_lines())

    def _signal_group(self, number: signal.Signals) -> None:
        if self._child:
            # PermissionError is what macOS says of a group that has only zombies left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


@contextmanager
def running(part: Part) -> Iterator[Process]:
    """The part, ready; stopped at the end of the block. Raises DidNotStart."""
    process = Process(part)
    process.start()
    try:
        yield process
    finally:
        process.stop()
