"""Limits of a request body: its size and the time it may take to arrive."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import BadRequest, BodyTooLarge, ServiceError
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.headers import request_header
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_SECONDS = 15


class InvalidContentLength(BadRequest):
    """The header `Content-Length` is not a number."""

    code = "invalid_content_length"
    message = "Content-Length should be a number"


class BodyTimeout(BadRequest):
    """The request body did not arrive within 15 seconds."""

    code = "body_timeout"
    message = "The body did not arrive in time"


class BodyLimitMiddleware:
    """Read the whole body before the application runs, within a size and a time limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in MUTATING_METHODS:
            await self._app(scope, receive, send)
            return
        try:
            body = await _read_body(scope, receive)
        except ServiceError as error:
            await error_response(error)(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, receive_body(body, receive), send)


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, None if the client disconnected."""
    declared = request_header(scope, b"content-length")
    if declared is not None:
        if not declared.isdecimal():
            raise InvalidContentLength
        if int(declared[:20]) > MAX_BODY_BYTES:
            raise BodyTooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY_BYTES:
                    raise BodyTooLarge
    except TimeoutError:
        raise BodyTimeout from None
    return bytes(body)


def receive_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first and then continues with `receive`."""
    sent = False

    async def receive_once() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_once
