"""`HEAD` as `GET` without the body, for every route."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Pass a `HEAD` request on as a `GET` and send only the headers of its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})
                answered.set()

        async def receive_until_answered() -> Message:
            # An event stream ends when its client disconnects.
            await answered.wait()
            return {"type": "http.disconnect"}

        # A copy: by its own scope, the server knows that the response has no body.
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive_until_answered, send_headers)
        finally:
            if "route" in as_get:  # for the log and the metrics
                scope["route"] = as_get["route"]
