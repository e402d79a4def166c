"""One stack a data folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Taken(Exception):
    """Somebody else holds the lock."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock for the block; raises Taken. However the process ends, it lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        for last in [False] * 10 + [True]:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if last:
                    raise Taken(_holder(path)) from None
                time.sleep(0.02)  # it may be one who only asks, in `holder`
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """The process that holds the lock, if one does."""
    if not path.exists():
        return None
    with path.open() as file:
        try:
            # Shared, so that two who only ask do not take each other for the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(path)
    return None


def _holder(path: Path) -> int:
    return int(path.read_text() or 0)
