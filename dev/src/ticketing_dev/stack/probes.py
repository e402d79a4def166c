"""Questions that a part answers once it can serve. None of them waits long, none raises."""

import http.client
import socket

from ticketing_dev.stack.ports import HOST

PATIENCE_SECONDS = 2.0


def listens(port: int, host: str = HOST) -> bool:
    """Whether somebody accepts connections on the port."""
    try:
        socket.create_connection((host, port), PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True


def answers(port: int, path: str, host: str = HOST) -> bool:
    """Whether GET path is a 200."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def says(port: int, expected: bytes, asked: bytes = b"") -> bool:
    """Whether the first thing that the port says, asked or unasked, contains the expected bytes."""
    try:
        with socket.create_connection((HOST, port), PATIENCE_SECONDS) as connection:
            connection.sendall(asked)
            return expected in connection.recv(4096)
    except OSError:
        return False
