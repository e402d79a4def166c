"""Outbox relay: publishes committed outbox rows to JetStream."""

import asyncio
from datetime import timedelta

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from pymongo.errors import PyMongoError

from ticketing_common.backoff import Backoff
from ticketing_common.events import utc_now
from ticketing_common.messaging.publish import publish
from ticketing_common.observability import metrics
from ticketing_common.persistence import outbox

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5
"""How often the relay publishes rows that another process committed but did not publish."""
SWEEP_AGE = timedelta(seconds=2)
"""A sweep leaves younger rows to the process that committed them."""
CLOCK_SKEW = timedelta(seconds=2)
"""How far the clock of another replica may be ahead."""
BATCH_SIZE = 64
"""Aggregates whose rows are published at the same time."""
MAX_QUEUED_AGGREGATES = 10_000
BACKOFF = Backoff(0.1, 10)


class Relay:
    """Publish committed domain events: those of this process at once, others in sweeps.

    The rows of one aggregate are published in the order of its versions, oldest first, and the
    broker drops a second message with the same `Nats-Msg-Id`. So relays need no coordination.
    """

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js
        self._queued: dict[str, None] = {}
        self._wake = asyncio.Event()

    def enqueue(self, aggregate_id: str) -> None:
        """Publish the rows of this aggregate as soon as possible."""
        if len(self._queued) < MAX_QUEUED_AGGREGATES:  # the sweep finds the others
            self._queued[aggregate_id] = None
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        unsubscribe = outbox.on_commit(self.enqueue)
        try:
            failures = 0
            sweep_at = 0.0
            loop = asyncio.get_running_loop()
            while True:
                try:
                    if loop.time() >= sweep_at:
                        await self.sweep()
                        sweep_at = loop.time() + SWEEP_SECONDS
                    await self.publish_queued()
                    failures = 0
                except (NatsError, PyMongoError, OSError) as error:
                    failures += 1
                    delay = BACKOFF.delay(failures)
                    metrics.PUBLISH_FAILURES.inc()
                    log.warning("relay.failed", error=repr(error), retry_in_seconds=delay)
                    await asyncio.sleep(delay)
                    continue
                try:
                    async with asyncio.timeout(max(0, sweep_at - loop.time())):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            unsubscribe()

    async def publish_queued(self) -> None:
        """Publish the rows of the queued aggregates. Raises: NatsError, PyMongoError."""
        while self._queued:
            batch = list(self._queued)[:BATCH_SIZE]
            for aggregate_id in batch:
                del self._queued[aggregate_id]
            await self._publish_batch(batch)
        self._wake.clear()

    async def sweep(self) -> None:
        """Publish rows older than `SWEEP_AGE`, oldest first. Raises: NatsError, PyMongoError."""
        while batch := await outbox.aggregates_pending_since(utc_now() - SWEEP_AGE, BATCH_SIZE):
            await self._publish_batch(batch)

    async def drain(self) -> None:
        """Publish all committed rows. Raises: NatsError, PyMongoError."""
        while batch := await outbox.aggregates_pending_since(utc_now() + CLOCK_SKEW, BATCH_SIZE):
            await self._publish_batch(batch)

    async def _publish_batch(self, aggregate_ids: list[str]) -> None:
        results = await asyncio.gather(*map(self._publish, aggregate_ids), return_exceptions=True)
        failures = {
            aggregate_id: result
            for aggregate_id, result in zip(aggregate_ids, results, strict=True)
            if isinstance(result, Exception)
        }
        self._queued.update(dict.fromkeys(failures))
        for failure in failures.values():
            raise failure

    async def _publish(self, aggregate_id: str) -> None:
        published = []
        try:
            for row_id, envelope in await outbox.pending(aggregate_id):
                await publish(self._js, envelope)
                metrics.EVENTS_PUBLISHED.labels(envelope.subject).inc()
                published.append(row_id)
        finally:
            if published:
                await outbox.delete(published)
