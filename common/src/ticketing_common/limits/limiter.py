"""The rate limiter: counts in a Redis that all replicas share, or in this process without it."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from redis.exceptions import RedisError

from ticketing_common.circuit_breaker import CircuitBreaker, CircuitOpen
from ticketing_common.limits.counters import Counters, MemoryCounters, RedisCounters
from ticketing_common.limits.quota import Quota, Usage, Window
from ticketing_common.observability import metrics

T = TypeVar("T")

DEPENDENCY = "Redis of the limits"
REDIS_ERRORS = (RedisError, OSError, TimeoutError)
"""The exceptions of a command while Redis is unavailable."""


class Limiter:
    """Count events by quota and key.

    A window begins with the first event of its key. To count costs one command for each window.

    While Redis fails, and without one, each process counts for itself. After a few failures the
    circuit is open for ten seconds, so that requests do not wait for Redis.
    """

    def __init__(
        self,
        quotas: Mapping[str, Quota],
        shared: RedisCounters | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._quotas = quotas
        self._shared = shared
        self._local = MemoryCounters(clock=clock)
        self._clock = clock
        self._circuit = CircuitBreaker(DEPENDENCY, lambda error: isinstance(error, REDIS_ERRORS))

    async def hit(self, name: str, key: str) -> Usage:
        """Count one. The usage is exceeded if that was above the quota."""
        return await self._run(partial(self._count, self._quotas[name], key, add=True))

    async def check(self, name: str, key: str) -> Usage:
        """Return the usage without counting. It is exceeded if nothing is left."""
        return await self._run(partial(self._count, self._quotas[name], key, add=False))

    async def _count(self, quota: Quota, key: str, counters: Counters, *, add: bool) -> Usage:
        usages = []
        for window in quota.windows:
            name = _counter_name(quota, window, key)
            if add:
                remaining = window.amount - await counters.incr(name, window.seconds)
                exceeded = remaining < 0
            else:
                remaining = window.amount - await counters.get(name)
                exceeded = remaining <= 0
            # Only a refusal names the end of the window: it costs a second command.
            ends_at = await counters.get_expiry(name) if exceeded else None
            usages.append(Usage(quota, window, max(0, remaining), exceeded, self._left(ends_at)))
            if add and exceeded:
                break  # a burst uses up the shortest window alone
        exhausted = [usage for usage in usages if usage.exceeded]
        if exhausted:
            metrics.RATE_LIMITED.labels(quota.name).inc()
            return max(exhausted, key=lambda usage: usage.reset_seconds or 0)
        return min(usages, key=lambda usage: usage.remaining)

    def _left(self, ends_at: float | None) -> int | None:
        return None if ends_at is None else max(1, math.ceil(ends_at - self._clock()))

    async def clear(self, name: str, key: str) -> None:
        """Delete the counters."""

        async def clear(counters: Counters) -> None:
            for window in quota.windows:
                await counters.clear(_counter_name(quota, window, key))

        quota = self._quotas[name]
        await clear(self._local)
        await self._run(clear)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.close()

    async def _run(self, work: Callable[[Counters], Awaitable[T]]) -> T:
        if self._shared is not None:
            try:
                return await self._circuit.call(work, self._shared)
            except (CircuitOpen, *REDIS_ERRORS):
                pass
        return await work(self._local)


def _counter_name(quota: Quota, window: Window, key: str) -> str:
    return f"{quota.name}/{window.seconds}/{key}"
