"""One timer per order: an arq job in Redis."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from arq.connections import ArqRedis
from arq.constants import default_queue_name, job_key_prefix
from arq.worker import Retry, Worker, func
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from ticketing_common.errors import Unavailable

JOB_NAME = "expire"
COMPLETE_KEY = "timers:complete"
"""Holds the run id of the Redis server in which every live order was given its timer.

A Redis that lost its data has no such key. A restarted one, which may have lost the last second of
writes, has another run id.
"""
JOB_RETENTION = timedelta(days=30)
"""How long Redis keeps an overdue timer that could not run."""
MAX_ATTEMPTS = 1_000_000
"""Practically no limit: a dropped timer would reserve its ticket forever."""
POLL_SECONDS = 0.2
"""How often arq polls Redis, and so the longest delay of a timer."""
JOB_TIMEOUT_SECONDS = 10
"""Short: a timer of a killed worker runs again only after this time and ten seconds more."""

REDIS_ERRORS = (RedisError, OSError)
"""The exceptions of a call while Redis is unavailable."""

OnExpired = Callable[[str, int], Awaitable[None]]
"""Takes the order's id and the number of the attempt."""


class RetryAfter(Exception):
    """Raised by `on_expired`: the timer runs again after this many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _to_json(job: dict[str, Any]) -> bytes:
    # arq's default is pickle, with which write access to Redis would be code execution here.
    return json.dumps(job, default=str).encode()


class Timers:
    """Set, clear and run timers. An order's id is its timer's id, so it has at most one."""

    def __init__(self, url: str) -> None:
        # Connects on first use.
        connections = BlockingConnectionPool.from_url(
            url, max_connections=20, timeout=5, socket_timeout=5, socket_connect_timeout=2
        )
        self._redis = ArqRedis(connections, job_serializer=_to_json, job_deserializer=json.loads)

    async def set(self, order_id: str, expires_at: datetime) -> None:
        """Set the timer of an order, unless it has one. Raises: Unavailable."""
        try:
            await self._redis.enqueue_job(
                JOB_NAME,
                order_id,
                _job_id=order_id,
                _defer_until=expires_at,
                _expires=JOB_RETENTION,
            )
        except REDIS_ERRORS as error:
            raise Unavailable("Redis is unavailable") from error

    async def clear(self, order_id: str) -> None:
        """Remove the timer of an order, if it has one. Raises: Unavailable."""
        try:
            await self._redis.zrem(default_queue_name, order_id)
            await self._redis.delete(job_key_prefix + order_id)
        except REDIS_ERRORS as error:
            raise Unavailable("Redis is unavailable") from error

    async def run(self, on_expired: OnExpired) -> None:
        """Call `on_expired` for each order whose time is over, again if it raises RetryAfter.

        Returns only when it is cancelled. Raises: RedisError, OSError.
        """

        async def run_job(context: dict[str, Any], order_id: str) -> None:
            try:
                await on_expired(order_id, context["job_try"])
            except RetryAfter as error:
                raise Retry(defer=error.seconds) from error
            except asyncio.CancelledError as error:  # arq drops a job that exceeds its timeout
                raise Retry(defer=1) from error

        worker = Worker(
            functions=[func(run_job, name=JOB_NAME, max_tries=MAX_ATTEMPTS)],  # type: ignore[arg-type]
            redis_pool=self._redis,
            handle_signals=False,
            job_timeout=JOB_TIMEOUT_SECONDS,
            keep_result=0,
            log_results=False,
            max_jobs=32,
            poll_delay=POLL_SECONDS,
            job_serializer=_to_json,
            job_deserializer=json.loads,
        )
        try:
            await worker.async_run()
        finally:
            for task in worker.tasks.values():
                task.cancel()

    async def are_complete(self) -> bool:
        """Return whether the running Redis server has every timer. Raises: RedisError, OSError."""
        marked = await self._redis.get(COMPLETE_KEY)
        return marked is not None and marked == await self.run_id()

    async def mark_complete(self, run_id: bytes) -> None:
        """Record that the server with this run id has every timer. Raises: RedisError, OSError."""
        await self._redis.set(COMPLETE_KEY, run_id)

    async def run_id(self) -> bytes:
        """Return the id of the running Redis server, a new one after each start.

        Raises: RedisError, OSError.
        """
        return str((await self._redis.info("server"))["run_id"]).encode()

    async def is_available(self) -> bool:
        """Return whether Redis responds."""
        try:
            return bool(await self._redis.ping())
        except REDIS_ERRORS:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)
