"""Background work of expiration: run the timers, and rebuild those that Redis has lost."""

import asyncio
from datetime import datetime

import structlog

from expiration.timers import RetryAfter, Timers
from ticketing_common.background import run_until_failure
from ticketing_common.backoff import Backoff
from ticketing_common.events import (
    Envelope,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    utc_now,
)
from ticketing_common.messaging.broker import Broker
from ticketing_common.observability.tracing import trace_headers

log = structlog.get_logger(__name__)

HISTORY_EVENTS = (OrderCreated, OrderCancelled, OrderCompleted)
"""The events from which the live orders are derived."""

RESTART_DELAY_SECONDS = 0.5
CHECK_SECONDS = 2
"""How often the worker checks whether Redis has lost timers."""
PUBLISH_BACKOFF = Backoff(0.5, 10)


class ExpirationWorker:
    """Publish ExpirationCompleted for each order whose time to pay is over."""

    def __init__(self, timers: Timers, broker: Broker) -> None:
        self._timers = timers
        self._broker = broker

    async def run(self) -> None:
        """Run timers until cancelled, and start again after any failure."""
        while True:
            timers, rebuilding = self._timers.run(self.expire_order), self._rebuild_when_lost()
            error: Exception | None = None
            try:
                await run_until_failure(timers, rebuilding)
            except Exception as failure:  # any failure must not stop the timers for good
                error = failure
            log.warning("timers.failed", error=repr(error))
            await asyncio.sleep(RESTART_DELAY_SECONDS)

    async def expire_order(self, order_id: str, attempt: int) -> None:
        """Publish that the order's time is over. Raises: RetryAfter until the broker has stored it.

        The event has the order's id as its own, so repeated publishing is one event.
        """
        event = ExpirationCompleted(order_id=order_id)
        envelope = Envelope.encode(event, id=order_id, time=utc_now(), trace=trace_headers())
        try:
            await self._broker.publish(envelope)
        except Exception as error:  # arq drops the job of any other exception
            delay = PUBLISH_BACKOFF.delay(attempt)
            log.info(
                "expiration.not_published",
                order_id=order_id,
                error=repr(error),
                retry_in_seconds=delay,
            )
            raise RetryAfter(delay) from error

    async def _rebuild_when_lost(self) -> None:
        """Rebuild the timers whenever Redis may have lost some."""
        while True:
            if not await self._timers.are_complete():
                await self._rebuild()
            await asyncio.sleep(CHECK_SECONDS)

    async def _rebuild(self) -> None:
        """Set a timer for each live order in the stream's history."""
        await self._broker.ready()
        # Read before the timers are set: a restart in between leaves the marker invalid.
        run_id = await self._timers.run_id()
        expires_at: dict[str, datetime] = {}
        async for event in self._broker.history(*HISTORY_EVENTS):
            if isinstance(event, OrderCreated):
                expires_at[event.id] = event.expires_at
            elif isinstance(event, OrderCancelled | OrderCompleted):
                expires_at.pop(event.id, None)
        for order_id, time in expires_at.items():
            await self._timers.set(order_id, time)
        await self._timers.mark_complete(run_id)
        log.info("timers.rebuilt", count=len(expires_at))
