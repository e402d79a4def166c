"""Loopback ports to listen on."""

import random
import socket
from collections.abc import Callable, Mapping

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


def free_port() -> int:
    """A loopback port that nobody listens on; a random one, so that test processes do not meet."""
    while not is_free(port := random.choice(CANDIDATES)):  # noqa: S311
        pass
    return port


def chooser(before: Mapping[str, int], taken: int) -> Callable[[str], int]:
    """Chooses ports by name: the one it had before while that is free, never one chosen already."""
    chosen = {taken}

    def choose(name: str) -> int:
        port = before.get(name) or free_port()
        while port in chosen or not is_free(port):
            port = free_port()
        chosen.add(port)
        return port

    return choose
