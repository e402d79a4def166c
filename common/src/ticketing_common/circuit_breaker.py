"""A part outside that fails again and again is left alone for a while."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import structlog
from circuitbreaker import CircuitBreaker

from ticketing_common.errors import Unavailable
from ticketing_common.observability import telemetry

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

FAILURES = 5
"""In a row, after which the part is left alone."""
PAUSE_SECONDS = 10
"""For how long. Then one call tries it: its success ends the pause, its failure begins another."""


class CircuitOpen(Unavailable):
    """The part was not asked at all. Carries after how many seconds it will be."""

    def __init__(self, part: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"{part} is not available right now, try again soon", retry_after=seconds)


_trying: ContextVar["Breaker | None"] = ContextVar("_trying", default=None)
"""Whose part it is that we try, we and whatever we call."""


class Breaker:
    """Between us and one part outside: while it is away, nobody waits for its time-outs."""

    def __init__(self, part: str, is_failure: Callable[[BaseException], bool]) -> None:
        self._part = part
        self._circuit = CircuitBreaker(
            FAILURES, PAUSE_SECONDS, lambda _, error: is_failure(error), name=part
        )
        self._is_tried = False
        self._show()

    @property
    def is_open(self) -> bool:
        """Whether the part is left alone now."""
        return bool(self._circuit.opened)

    def check(self) -> None:
        """Raises CircuitOpen while the part is."""
        if self.is_open:
            raise CircuitOpen(self._part, max(1, self._circuit.open_remaining))
        if self._is_tried and _trying.get() is not self:
            raise CircuitOpen(self._part, 1)

    async def call(
        self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the function returns or raises; raises CircuitOpen, with nothing called."""
        self.check()
        was_closed = self._circuit.closed
        try:
            with self._tried_alone():
                result: T = await self._circuit.call_async(function, *args, **kwargs)
            return result
        finally:
            if self._circuit.closed != was_closed:
                self._show()
                told = "breaker.closed" if self._circuit.closed else "breaker.opened"
                log.warning(told, part=self._part, error=repr(self._circuit.last_failure))

    @contextmanager
    def _tried_alone(self) -> Iterator[None]:
        """Whoever is first after a pause; all others are refused until that call has ended."""
        if self._circuit.closed or self._is_tried:
            yield
            return
        self._is_tried = True
        before = _trying.set(self)
        try:
            yield
        finally:
            _trying.reset(before)
            self._is_tried = False

    def _show(self) -> None:
        telemetry.CIRCUIT_OPEN.labels(self._part).set(not self._circuit.closed)
