"""How many are served at once, so that more than a service can take does not pile up in it."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import Unavailable
from ticketing_common.web.error_handlers import answer
from ticketing_common.web.probes import PROBES

AT_ONCE = 200
"""About what one process answers in a second: nobody who is let in waits for long."""


class ServiceOverloaded(Unavailable):
    message = "Too many want this at once, try again soon"


class ConcurrencyLimitMiddleware:
    """Serves so many requests at once, and tells the others at once to come again.

    A stream is counted until it begins: its feed has a bound of its own. Probes are not: whoever
    takes a busy process for a dead one makes more of the others busy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if self._served >= AT_ONCE:
            await answer(ServiceOverloaded())(scope, receive, send)
            return
        counted = True
        self._served += 1

        def leave() -> None:
            nonlocal counted
            if counted:
                counted = False
                self._served -= 1

        async def send_and_count(message: Message) -> None:
            if _begins_a_stream(message):
                leave()
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            leave()


def _begins_a_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
