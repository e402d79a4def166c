"""Keeps every live order's timer, whatever Redis forgets, and tells when one is over."""

import asyncio
from datetime import datetime

import structlog
from arq.worker import Retry

from expiration.timers import Timers
from ticketing_common.background import background
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

LOOKED_BACK_ON = (OrderCreated, OrderCancelled, OrderCompleted)
"""The events that tell which orders live."""

PAUSE_SECONDS = 0.5
LOOK_SECONDS = 2
"""How often we look whether Redis has forgotten."""
LONGEST_RETRY_SECONDS = 10


class Clock:
    """What runs beside the listeners."""

    def __init__(self, timers: Timers, broker: Broker) -> None:
        self._timers = timers
        self._broker = broker

    async def run(self) -> None:
        """Run timers until cancelled; whenever Redis was away, set them all anew."""
        while True:
            async with background(self._timers.run(self.expire), self._keep_complete()) as work:
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            # Whatever they were: a clock that stands still holds tickets for ever.
            errors = [task.exception() for task in work if not task.cancelled()]
            log.warning("clock.stopped", errors=[repr(error) for error in errors])
            await asyncio.sleep(PAUSE_SECONDS)

    async def expire(self, order_id: str, tries: int) -> None:
        """Tell that the order's time is over; retried until the broker has stored it.

        The event's id is the order's: however often it is told, it is one event.
        """
        envelope = Envelope.encode(
            ExpirationCompleted(order_id=order_id),
            id=order_id,
            time=utc_now(),
            trace=trace_headers(),
        )
        try:
            await self._broker.publish(envelope)
        except Exception as error:  # arq forgets a timer that raises anything but Retry
            pause = min(0.25 * 2 ** min(tries, 10), LONGEST_RETRY_SECONDS)
            log.info("clock.untold", order_id=order_id, error=repr(error), again_in_seconds=pause)
            raise Retry(defer=pause) from error

    async def _keep_complete(self) -> None:
        """Rebuild the timers whenever Redis may lack one."""
        while True:
            if not await self._timers.are_complete():
                await self._rebuild()
            await asyncio.sleep(LOOK_SECONDS)

    async def _rebuild(self) -> None:
        """Set a timer for each order that the bus tells of and that has not ended."""
        await self._broker.ready()
        run = await self._timers.run_id()
        live: dict[str, datetime] = {}
        async for event in self._broker.history(*LOOKED_BACK_ON):
            if isinstance(event, OrderCreated):
                live[event.id] = event.expires_at
            elif isinstance(event, OrderCancelled | OrderCompleted):
                live.pop(event.id, None)
        for order_id, at in live.items():
            await self._timers.set(order_id, at)
        await self._timers.note_complete(run)
        log.info("clock.rebuilt", timers=len(live))
