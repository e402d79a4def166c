"""Load shedding: a limit of the requests that one process serves at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.admission import AdmissionQueue
from ticketing_common.errors import Unavailable
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS
from ticketing_common.web.probes import PROBE_PATHS

MAX_CONCURRENT_REQUESTS = 32
"""Requests of each kind in progress: enough to wait for stores, fewer than their connections."""
_SLOT = "ticketing.slot"


class ServiceOverloaded(Unavailable):
    """The process serves too many requests already. Try again after `Retry-After` seconds."""

    code = "overloaded"
    message = "Too many requests right now. Try again soon."


class ConcurrencyLimitMiddleware:
    """Let requests above the limit wait in a queue, or refuse them at once with a 503.

    Requests that read and those that write have a limit each, so neither kind holds up the other.
    A server-sent event stream counts until it begins: the feed has a limit of its own. Probes do
    not count: restarting a busy process would move its load to the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reads = AdmissionQueue(MAX_CONCURRENT_REQUESTS, ServiceOverloaded)
        self._writes = AdmissionQueue(MAX_CONCURRENT_REQUESTS, ServiceOverloaded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        queue = self._writes if scope["method"] in MUTATING_METHODS else self._reads
        if not queue.admit_now():
            try:
                await queue.wait()
            except ServiceOverloaded as error:
                await error_response(error)(scope, receive, send)
                return
        slot = scope[_SLOT] = _Slot(queue)

        async def send_and_count(message: Message) -> None:
            if _starts_event_stream(message):
                slot.release()
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            slot.release()


class _Slot:
    """A request's part of the limit."""

    def __init__(self, queue: AdmissionQueue) -> None:
        self._queue = queue
        self._is_taken = True

    def take(self) -> None:
        if not self._is_taken:
            self._is_taken = True
            self._queue.resume()

    def release(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._queue.release()


@contextmanager
def uncounted(scope: Scope) -> Iterator[None]:
    """Do not count the request during the block, in which it only waits.

    The caller limits such requests itself.
    """
    slot: _Slot = scope[_SLOT]
    slot.release()
    try:
        yield
    finally:
        slot.take()


def _starts_event_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message["headers"]
    )
