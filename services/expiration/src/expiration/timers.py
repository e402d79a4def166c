"""One timer an order, kept by arq in Redis."""

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

EXPIRE = "expire"
COMPLETE = "timers:complete"
"""Holds the run of Redis in which every live order was given its timer: a Redis that was emptied
has forgotten it, and one that was started again, and may lack the last second's, is another run."""
KEPT = timedelta(days=30)
"""How long Redis keeps a timer that nobody could run."""

POLL_SECONDS = 0.2
"""How late a ticket may be free again; at rest this is what the service costs."""
JOB_SECONDS = 10
"""Short: a timer that a killed worker was at waits for this and ten seconds more."""

REDIS_AWAY = (RedisError, OSError)

Expire = Callable[[str, int], Awaitable[None]]
"""Told the order's id and the number of the try."""


def _as_json(job: dict[str, Any]) -> bytes:
    # Never pickle, arq's default: whoever can write to Redis could run code here.
    return json.dumps(job, default=str).encode()


class Timers:
    """Sets, clears and runs timers. A timer is named by its order, so it is never set twice."""

    def __init__(self, url: str) -> None:
        # Bounded in number and time; it connects when it is first used.
        connections = BlockingConnectionPool.from_url(
            url, max_connections=20, timeout=5, socket_timeout=5, socket_connect_timeout=2
        )
        self._redis = ArqRedis(connections, job_serializer=_as_json, job_deserializer=json.loads)

    async def set(self, order_id: str, at: datetime) -> None:
        """Raises Unavailable where Redis is away."""
        try:
            await self._redis.enqueue_job(
                EXPIRE, order_id, _job_id=order_id, _defer_until=at, _expires=KEPT
            )
        except REDIS_AWAY as error:
            raise Unavailable("Redis is away") from error

    async def clear(self, order_id: str) -> None:
        """Raises Unavailable where Redis is away."""
        try:
            await self._redis.zrem(default_queue_name, order_id)
            await self._redis.delete(job_key_prefix + order_id)
        except REDIS_AWAY as error:
            raise Unavailable("Redis is away") from error

    async def run(self, expire: Expire) -> None:
        """Call `expire` when an order's time is over, again while it raises arq's Retry.

        Ends only with the connection. Raises what Redis raises.
        """

        async def run_one(context: dict[str, Any], order_id: str) -> None:
            try:
                await expire(order_id, context["job_try"])
            except asyncio.CancelledError as error:  # arq forgets a timer that took it too long
                raise Retry(defer=1) from error

        worker = Worker(
            # As many tries as it takes: what drops a timer leaves a ticket held for ever.
            functions=[func(run_one, name=EXPIRE, max_tries=1_000_000)],  # type: ignore[arg-type]
            redis_pool=self._redis,
            handle_signals=False,
            job_timeout=JOB_SECONDS,
            keep_result=0,
            log_results=False,
            max_jobs=32,
            poll_delay=POLL_SECONDS,
            job_serializer=_as_json,
            job_deserializer=json.loads,
        )
        try:
            await worker.async_run()
        finally:
            for task in worker.tasks.values():
                task.cancel()

    async def are_complete(self) -> bool:
        """Whether Redis still knows that it has every timer. Raises what Redis raises."""
        known = await self._redis.get(COMPLETE)
        return known is not None and known == await self.run_id()

    async def note_complete(self, run: bytes) -> None:
        """Have Redis know that it was given every timer in that run. Raises what Redis raises."""
        await self._redis.set(COMPLETE, run)

    async def run_id(self) -> bytes:
        """Which run of Redis this is. Raises what Redis raises."""
        return str((await self._redis.info("server"))["run_id"]).encode()

    async def answer(self) -> bool:
        """Whether Redis does."""
        try:
            return bool(await self._redis.ping())
        except REDIS_AWAY:
            return False

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose(close_connection_pool=True)
