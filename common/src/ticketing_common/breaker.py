"""A part outside that fails again and again is left alone for a while."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import structlog
from circuitbreaker import CircuitBreaker

from ticketing_common import telemetry
from ticketing_common.errors import Unavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

FAILURES = 5
"""In a row, after which the part is left alone."""
PAUSE_SECONDS = 10
"""For how long. Then it is tried again: the first success ends it, a failure begins it anew."""


class LeftAlone(Unavailable):
    """The part was not asked at all. Carries after how many seconds it will be."""

    def __init__(self, part: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"{part} is not available right now, try again soon", retry_after=seconds)


class Breaker:
    """Between us and one part outside: while it is away, nobody waits for its time-outs."""

    def __init__(self, part: str, is_failure: Callable[[BaseException], bool]) -> None:
        self._part = part
        self._circuit = CircuitBreaker(
            FAILURES, PAUSE_SECONDS, lambda _, error: is_failure(error), name=part
        )
        self._show()

    @property
    def is_open(self) -> bool:
        """Whether the part is left alone now."""
        return bool(self._circuit.opened)

    def check(self) -> None:
        """Raises LeftAlone while the part is."""
        if self.is_open:
            raise LeftAlone(self._part, max(1, self._circuit.open_remaining))

    async def call(
        self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the function returns or raises; raises LeftAlone, with nothing called."""
        self.check()
        was_closed = self._circuit.closed
        try:
            result: T = await self._circuit.call_async(function, *args, **kwargs)
            return result
        finally:
            if self._circuit.closed != was_closed:
                self._show()
                told = "breaker.closed" if self._circuit.closed else "breaker.opened"
                log.warning(told, part=self._part, error=repr(self._circuit.last_failure))

    def _show(self) -> None:
        telemetry.LEFT_ALONE.labels(self._part).set(not self._circuit.closed)
