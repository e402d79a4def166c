"""What is refused before any route sees it."""

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import BadRequest, CrossOrigin, ServiceError, TooLarge
from ticketing_common.web.error_handlers import answer

MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
BODY_BYTES = 64 * 1024
BODY_SECONDS = 15


class Guard:
    """Refuses changes from pages of another origin, and bodies that are too large or too slow.

    What passes has its whole body here already.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in MUTATING:
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            _refuse_other_origins(headers)
            body = await _whole_body(headers, receive)
        except ServiceError as error:
            await answer(error)(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, replayed(body, receive), send)


def _refuse_other_origins(headers: Headers) -> None:
    """A browser says where a page is from; other programs say nothing, and carry no cookie that
    they were not given."""
    origin = headers.get("origin")
    try:
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    except ValueError:  # such as http://[
        foreign = True
    if foreign or headers.get("sec-fetch-site") == "cross-site":
        raise CrossOrigin


async def _whole_body(headers: Headers, receive: Receive) -> bytes | None:
    """The body, None where the caller went away in the middle of it."""
    declared = headers.get("content-length", "0")
    if not declared.isdecimal():
        raise BadRequest("Content-Length should be a number")
    if int(declared[:20]) > BODY_BYTES:
        raise TooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > BODY_BYTES:
                    raise TooLarge
    except TimeoutError:
        raise BadRequest("The body did not arrive in time") from None
    return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body, then what `receive` gives."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
