"""A file lock: one stack per data folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ticketing_ops.errors import DamagedFile


class LockHeld(Exception):
    """Another process holds the lock."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


@contextmanager
def acquired(path: Path) -> Iterator[None]:
    """Hold the lock for the block. The kernel releases it when the process ends.

    Raises:
        LockHeld: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        for is_last in [False] * 10 + [True]:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if is_last:
                    raise LockHeld(_read_pid(path)) from None
                time.sleep(0.02)  # it can be a short check by `holder`
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """Return the id of the process that holds the lock, or None."""
    if not path.exists():
        return None
    with path.open() as file:
        try:
            # A shared lock, so that concurrent checks do not see each other as the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_pid(path)
    return None


def _read_pid(path: Path) -> int:
    text = path.read_text()
    if not text.isdecimal():
        raise DamagedFile(path, "It should have the id of the stack's process. Stop that by hand.")
    return int(text)
