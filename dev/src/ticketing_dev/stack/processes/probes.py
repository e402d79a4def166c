"""Readiness checks over the network. Each has a short timeout and raises nothing."""

import http.client
import socket

from ticketing_dev.stack.processes.ports import HOST

TIMEOUT_SECONDS = 2.0


def is_listening(port: int, host: str = HOST) -> bool:
    """Return whether the port accepts connections."""
    try:
        socket.create_connection((host, port), TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


def returns_200(port: int, path: str, host: str = HOST) -> bool:
    """Return whether GET `path` returns status 200."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reply_contains(port: int, expected: bytes, request: bytes = b"") -> bool:
    """Return whether the first data received, after sending `request`, contains `expected`."""
    try:
        with socket.create_connection((HOST, port), TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            return expected in connection.recv(4096)
    except OSError:
        return False
