"""Admission to a limited resource: a queue with a bound and early refusals."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import randbelow

from ticketing_common.errors import Unavailable

MAX_WAIT_SECONDS = 2
MAX_WAITING = 1000
MAX_RETRY_AFTER_SECONDS = 30
FIRST_ESTIMATE_SECONDS = 0.01
"""The time between two admissions before any was measured."""
SMOOTHING = 0.05


class AdmissionQueue:
    """The requests that use a resource, and those that wait for it, first come, first served.

    With keys, the keys take turns, so that the many requests of one do not hold up another's. Where
    no place is left to wait, the last request of the key with most of them gives up its own.

    A request is refused on arrival if it would be admitted too late, as measured by the admissions
    before it. `Retry-After` is a different time for each refused client: they return at the rate at
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
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting_count = 0
        self._seconds_per_slot = FIRST_ESTIMATE_SECONDS
        self._last_admission: float | None = None
        self._last_return = 0.0

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return self._waiting_count

    @asynccontextmanager
    async def slot(self, key: str = "") -> AsyncIterator[None]:
        """Use the resource in the block. Raises: the refusal."""
        if not self.admit_now():
            await self.wait(key)
        try:
            yield
        finally:
            self.release()

    def admit_now(self) -> bool:
        """Admit a request that need not wait. Returns whether it is admitted."""
        if self._waiting or self.in_progress >= self._limit:
            return False
        self.in_progress += 1
        return True

    async def wait(self, key: str = "") -> None:
        """Admit a request after those before it. Raises: the refusal."""
        # One may always wait: only requests that waited are measured.
        if self._waiting:
            if self._expected_wait(self._ahead_of(key)) > self._max_wait_seconds:
                raise self._refusal(retry_after=self._retry_after())
            if self._waiting_count >= self._max_waiting:
                self._free_a_place_for(key)
        admission: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(admission)
        self._waiting_count += 1
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await admission
        except BaseException as error:
            if admission.done() and not admission.cancelled() and not admission.exception():
                self.release()  # it came at the same moment
            elif admission in self._waiting.get(key, ()):
                self._waiting[key].remove(admission)
                self._forget_one(key)
            if isinstance(error, TimeoutError):
                raise self._refusal(retry_after=self._retry_after()) from None
            raise

    def resume(self) -> None:
        """Count a request that was admitted before, even above the limit."""
        self.in_progress += 1

    def release(self) -> None:
        """End a request, and admit the one that has waited longest."""
        self.in_progress -= 1
        if self.in_progress >= self._limit:
            return
        while self._waiting:
            key = next(iter(self._waiting))
            admission = self._waiting[key].popleft()
            self._waiting.move_to_end(key)
            self._forget_one(key)
            if not admission.done():
                self._measure()
                self.in_progress += 1
                admission.set_result(None)
                return
        self._last_admission = None

    def _ahead_of(self, key: str) -> int:
        """Return how many requests are admitted before a new one of this key."""
        own = len(self._waiting.get(key, ()))
        others = (len(each) for other, each in self._waiting.items() if other != key)
        return own + sum(min(each, own + 1) for each in others)

    def _free_a_place_for(self, key: str) -> None:
        """Refuse the last request of the key that has most. Raises: the refusal, for this one."""
        longest = max(self._waiting, key=lambda each: len(self._waiting[each]))
        refusal = self._refusal(retry_after=self._retry_after())
        if len(self._waiting[longest]) <= len(self._waiting.get(key, ())) + 1:
            raise refusal
        admission = self._waiting[longest].pop()
        self._forget_one(longest)
        if not admission.done():
            admission.set_exception(refusal)

    def _forget_one(self, key: str) -> None:
        self._waiting_count -= 1
        if not self._waiting[key]:
            del self._waiting[key]

    def _measure(self) -> None:
        now = time.monotonic()
        if self._last_admission is not None:
            measured = now - self._last_admission
            self._seconds_per_slot += SMOOTHING * (measured - self._seconds_per_slot)
        self._last_admission = now

    def _expected_wait(self, ahead: int) -> float:
        return (ahead + 1) * self._seconds_per_slot

    def _retry_after(self) -> int:
        now = time.monotonic()
        first = now + self._expected_wait(self._waiting_count)
        self._last_return = max(self._last_return + self._seconds_per_slot, first)
        if self._last_return > now + MAX_RETRY_AFTER_SECONDS:
            self._last_return = first
        delay = min(self._last_return - now, MAX_RETRY_AFTER_SECONDS)
        return math.ceil(delay) + randbelow(2)
