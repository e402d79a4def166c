"""Turns at a limited resource: a queue with a bound and early refusals."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import randbelow

from ticketing_common.errors import Unavailable

MAX_WAIT_SECONDS = 2
MAX_WAITING = 1000
MAX_RETRY_AFTER_SECONDS = 30
FIRST_ESTIMATE_SECONDS = 0.01
"""The time between two turns before any was measured."""
SMOOTHING = 0.05


class Turns:
    """The requests that use a resource, and those that wait for it, first come, first served.

    A request is refused on arrival if its turn would come too late, as measured by the turns
    before it. `Retry-After` gives each refused client a later turn: they return at the rate at
    which they can be served, not all at once.
    """

    def __init__(
        self,
        limit: int,
        refusal: type[Unavailable],
        *,
        max_wait_seconds: float = MAX_WAIT_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.in_progress = 0
        self._limit = limit
        self._refusal = refusal
        self._max_wait_seconds = max_wait_seconds
        self._max_waiting = max_waiting
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._seconds_per_turn = FIRST_ESTIMATE_SECONDS
        self._last_turn: float | None = None
        self._last_return = 0.0

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, which is the block. Raises: the refusal."""
        if not self.start_now():
            await self.wait()
        try:
            yield
        finally:
            self.finish()

    def start_now(self) -> bool:
        """Start a request if it need not wait. Returns whether it has started."""
        if self._waiting or self.in_progress >= self._limit:
            return False
        self.in_progress += 1
        return True

    async def wait(self) -> None:
        """Start a request when its turn has come. Raises: the refusal."""
        # One may always wait: only requests that waited are measured.
        if self._waiting and (
            len(self._waiting) >= self._max_waiting
            or self._expected_wait() > self._max_wait_seconds
        ):
            raise self._refusal(retry_after=self._retry_after())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await turn
        except BaseException as error:
            if not turn.cancelled():  # it came at the same moment
                self.finish()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refusal(retry_after=self._retry_after()) from None
            raise

    def resume(self) -> None:
        """Count a request that has started before, even above the limit."""
        self.in_progress += 1

    def finish(self) -> None:
        """End a request, and start the one that has waited longest."""
        self.in_progress -= 1
        if self.in_progress >= self._limit:
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
