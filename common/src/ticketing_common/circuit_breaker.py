"""Circuit breaker for calls to external dependencies."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import circuitbreaker
import structlog

from ticketing_common.errors import Unavailable
from ticketing_common.observability import metrics

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

FAILURE_THRESHOLD = 5
"""Consecutive failures that open the circuit."""
RECOVERY_SECONDS = 10
"""How long the circuit stays open. Then one trial call closes it or opens it again."""


class CircuitOpen(Unavailable):
    """A dependency fails, so it was not called. Try again after `Retry-After` seconds."""

    code = "dependency_unavailable"

    def __init__(self, dependency: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(
            f"{dependency} is not available right now. Try again soon.", retry_after=seconds
        )


_trial_of: ContextVar["CircuitBreaker | None"] = ContextVar("_trial_of", default=None)
"""The breaker whose trial call runs in this context."""


class CircuitBreaker:
    """Stop the calls to one dependency while it fails: with an open circuit they fail at once.

    `is_failure` decides which exceptions count as a failure of the dependency. After the recovery
    time a single trial call is let through; concurrent calls are still refused.
    """

    def __init__(self, dependency: str, is_failure: Callable[[BaseException], bool]) -> None:
        self._dependency = dependency
        self._circuit = circuitbreaker.CircuitBreaker(
            FAILURE_THRESHOLD,
            RECOVERY_SECONDS,
            lambda _, error: is_failure(error),
            name=dependency,
        )
        self._trial_running = False
        self._set_metric()

    @property
    def is_open(self) -> bool:
        return bool(self._circuit.opened)

    def check(self) -> None:
        """Raise CircuitOpen if a call would be refused now."""
        if self.is_open:
            raise CircuitOpen(self._dependency, max(1, self._circuit.open_remaining))
        if self._trial_running and _trial_of.get() is not self:
            raise CircuitOpen(self._dependency, 1)

    async def call(
        self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call the function and count its failures.

        Raises: CircuitOpen without calling it, or the function's own exception.
        """
        self.check()
        was_closed = self._circuit.closed
        try:
            with self._single_trial():
                result: T = await self._circuit.call_async(function, *args, **kwargs)
            return result
        finally:
            if self._circuit.closed != was_closed:
                self._set_metric()
                log.warning(
                    "circuit.closed" if self._circuit.closed else "circuit.opened",
                    dependency=self._dependency,
                    error=repr(self._circuit.last_failure),
                )

    @contextmanager
    def _single_trial(self) -> Iterator[None]:
        """Mark this call as the trial if the circuit is half-open and no trial runs yet."""
        if self._circuit.closed or self._trial_running:
            yield
            return
        self._trial_running = True
        token = _trial_of.set(self)
        try:
            yield
        finally:
            _trial_of.reset(token)
            self._trial_running = False

    def _set_metric(self) -> None:
        metrics.CIRCUIT_OPEN.labels(self._dependency).set(not self._circuit.closed)
