"""Loopback ports to listen on."""

import fcntl
import functools
import os
import random
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

HOST = "127.0.0.1"

# Below what Linux and macOS hand out to outgoing connections: a port from their range can be
# somebody's source port by the time that a server binds it, or when a killed part comes back to it.
CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _claims() -> int:
    """The file in which each process of this user locks one byte a port that it has chosen."""
    path = Path(tempfile.gettempdir()) / f"ticketing-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


_file = functools.cache(_claims)
_claimed: set[int] = set()


def claim(port: int) -> bool:
    """Keep a port to this process until its end; False where another process has claimed it.

    Between the choice of a port and its server's start others choose too, a dozen at a time:
    without claims, tests that run side by side meet on a port every few runs.
    """
    if port not in _claimed:
        try:
            fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        _claimed.add(port)
    return True


def free_port() -> int:
    """A loopback port that nobody listens on and nobody has chosen, now claimed by us."""
    while True:
        port = random.choice(CANDIDATES)  # noqa: S311
        if port not in _claimed and claim(port) and is_free(port):
            return port


def chooser(before: Mapping[str, int], taken: int) -> Callable[[str], int]:
    """Chooses ports by name: the one it had before while that is free, never one chosen already."""
    chosen = {taken}

    def choose(name: str) -> int:
        port = before.get(name) or free_port()
        while port in chosen or not claim(port) or not is_free(port):
            port = free_port()
        chosen.add(port)
        return port

    return choose
