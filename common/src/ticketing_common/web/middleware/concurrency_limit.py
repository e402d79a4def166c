"""Load shedding: a limit of the requests that one process serves at the same time."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import randbelow

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import Unavailable
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS
from ticketing_common.web.probes import PROBE_PATHS

MAX_CONCURRENT_REQUESTS = 32
"""Requests of each kind in progress: enough to wait for stores, fewer than their connections."""
MAX_WAIT_SECONDS = 2
"""How long a request may wait for its turn."""
MAX_WAITING = 1000
MAX_RETRY_AFTER_SECONDS = 30
FIRST_ESTIMATE_SECONDS = 0.01
"""The time between two turns before any was measured."""
SMOOTHING = 0.05

_SLOT = "ticketing.slot"


class ServiceOverloaded(Unavailable):
    """The process serves too many requests already. Try again after `Retry-After` seconds."""

    code = "overloaded"
    message = "Too many requests right now. Try again soon."


class ConcurrencyLimitMiddleware:
    """Let requests above the limit wait for their turn, or refuse them at once with a 503.

    Requests that read and those that write have a limit each, so neither kind holds up the other.
    A server-sent event stream counts until it begins: the feed has a limit of its own. Probes do
    not count: restarting a busy process would move its load to the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reads = Turns()
        self._writes = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        turns = self._writes if scope["method"] in MUTATING_METHODS else self._reads
        if not turns.start_now():
            try:
                await turns.wait()
            except ServiceOverloaded as error:
                await error_response(error)(scope, receive, send)
                return
        slot = scope[_SLOT] = _Slot(turns)

        async def send_and_count(message: Message) -> None:
            if _starts_event_stream(message):
                slot.release()
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            slot.release()


class Turns:
    """The requests of one kind: those in progress, and those that wait, first come, first served.

    A request is refused on arrival if its turn would come too late, as measured by the turns
    before it. `Retry-After` gives each refused client a later turn: they return at the rate at
    which they can be served, not all at once.
    """

    def __init__(self) -> None:
        self.in_progress = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._seconds_per_turn = FIRST_ESTIMATE_SECONDS
        self._last_turn: float | None = None
        self._last_return = 0.0

    def start_now(self) -> bool:
        """Start a request if it need not wait. Returns whether it has started."""
        if self._waiting or self.in_progress >= MAX_CONCURRENT_REQUESTS:
            return False
        self.in_progress += 1
        return True

    async def wait(self) -> None:
        """Start a request when its turn has come. Raises: ServiceOverloaded."""
        # One may always wait: only requests that waited are measured.
        if self._waiting and (
            len(self._waiting) >= MAX_WAITING or self._expected_wait() > MAX_WAIT_SECONDS
        ):
            raise ServiceOverloaded(retry_after=self._retry_after())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await turn
        except BaseException as error:
            if not turn.cancelled():  # it came at the same moment
                self.finish()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise ServiceOverloaded(retry_after=self._retry_after()) from None
            raise

    def resume(self) -> None:
        """Count a request that has started before, even above the limit."""
        self.in_progress += 1

    def finish(self) -> None:
        """End a request, and start the one that has waited longest."""
        self.in_progress -= 1
        if self.in_progress >= MAX_CONCURRENT_REQUESTS:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._measure()
                self.in_progress += 1
                turn.set_result(None)
                return
        self._last_turn = None

    def _measure(self) -> None:
        now = time.monotonic()
        if self._last_turn is not None:
            self._seconds_per_turn += SMOOTHING * (now - self._last_turn - self._seconds_per_turn)
        self._last_turn = now

    def _expected_wait(self) -> float:
        return (len(self._waiting) + 1) * self._seconds_per_turn

    def _retry_after(self) -> int:
        now = time.monotonic()
        first = now + self._expected_wait()
        self._last_return = max(self._last_return + self._seconds_per_turn, first)
        if self._last_return > now + MAX_RETRY_AFTER_SECONDS:
            self._last_return = first
        return math.ceil(self._last_return - now) + randbelow(2)


class _Slot:
    """A request's part of the limit."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_taken = True

    def take(self) -> None:
        if not self._is_taken:
            self._is_taken = True
            self._turns.resume()

    def release(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._turns.finish()


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
