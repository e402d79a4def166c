"""Headers of an ASGI message, read without an object per request."""

from starlette.types import Scope


def request_header(scope: Scope, name: bytes) -> str | None:
    """Return a request header, None if the request has none. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            decoded: str = value.decode("latin-1")
            return decoded
    return None
