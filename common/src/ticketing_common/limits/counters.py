"""Counters of events by key, in Redis or in the memory of this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool

TIMEOUT_SECONDS = 0.25
"""Of each step of a command: no request waits long for a limiter."""
MAX_CONNECTIONS = 20
MAX_KEYS = 50_000
"""About 10 MiB."""


class Counters(Protocol):
    """Counters that end by themselves."""

    async def incr(self, key: str, expiry: int) -> int:
        """Add 1 to a counter and return it. A new one ends after `expiry` seconds."""

    async def get(self, key: str) -> int:
        """Return a counter, 0 if there is none."""

    async def get_expiry(self, key: str) -> float:
        """Return the time at which a counter ends, in seconds since the epoch."""

    async def clear(self, key: str) -> None:
        """Delete a counter."""


class MemoryCounters:
    """Counters of this process. The least recently used ones leave when there are too many.

    Not those of `limits`, which have no bound and read every key at each increment.
    """

    def __init__(self, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.time) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def incr(self, key: str, expiry: int) -> int:
        count, ends_at = self._read(key) or (0, self._clock() + expiry)
        self._counters[key] = count + 1, ends_at
        self._counters.move_to_end(key)
        if len(self._counters) > self._max_keys:
            self._counters.popitem(last=False)
        return count + 1

    async def get(self, key: str) -> int:
        counter = self._read(key)
        return 0 if counter is None else counter[0]

    async def get_expiry(self, key: str) -> float:
        counter = self._read(key)
        return self._clock() if counter is None else counter[1]

    async def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _read(self, key: str) -> tuple[int, float] | None:
        counter = self._counters.get(key)
        return counter if counter is not None and counter[1] > self._clock() else None


class RedisCounters(RedisStorage):
    """Counters that all processes share. Connects on first use."""

    def __init__(self, url: str) -> None:
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        super().__init__(url, implementation="redispy", connection_pool=self._pool)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()
