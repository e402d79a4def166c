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

# Below the ephemeral range of Linux and macOS. A port of that range can be the source port of an
# outgoing connection when a server binds it, or when a killed process starts again.
CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Return whether a server can bind this loopback port now."""
    with socket.socket() as probe:
        # Servers set it too: connections in TIME_WAIT from an earlier run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _open_claims_file() -> int:
    """Open the file in which each process of this user locks one byte per claimed port."""
    path = Path(tempfile.gettempdir()) / f"ticketing-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


_claims_file = functools.cache(_open_claims_file)
_claimed: set[int] = set()


def claim(port: int) -> bool:
    """Reserve a port for this process until it ends; return False if another process holds it.

    A dozen processes can choose ports at once, before any of their servers has started. Without
    claims, tests that run in parallel collide every few runs.
    """
    if port not in _claimed:
        try:
            fcntl.lockf(_claims_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        _claimed.add(port)
    return True


def free_port() -> int:
    """Claim and return an unused loopback port."""
    while True:
        port = random.choice(CANDIDATES)  # noqa: S311
        if port not in _claimed and claim(port) and is_free(port):
            return port


def port_allocator(previous: Mapping[str, int], reserved: int) -> Callable[[str], int]:
    """Return a function that allocates a port by process name.

    It returns the `previous` port of the name while that is free, and no port twice. `reserved` is
    never returned.
    """
    allocated = {reserved}

    def allocate(name: str) -> int:
        port = previous.get(name) or free_port()
        while port in allocated or not claim(port) or not is_free(port):
            port = free_port()
        allocated.add(port)
        return port

    return allocate
