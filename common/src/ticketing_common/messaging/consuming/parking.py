"""Parked events: handled when the event that they wait for has been, and in sweeps.

The store decides about the order: a version check and the removal of the row are part of the
handler's transaction. So the processes of a service need no coordination.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from pymongo.errors import PyMongoError

from ticketing_common.events import DomainEvent, utc_now
from ticketing_common.messaging.consuming.delivery import HANDLER_TIMEOUT_SECONDS, Delivery
from ticketing_common.messaging.consuming.parked_delivery import (
    ParkedDelivery,
    parked_event,
    retry_state,
)
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.observability import metrics
from ticketing_common.persistence import parked_events
from ticketing_common.persistence.parked_events import ParkedEvent

log = structlog.get_logger(__name__)

MAX_PARKED = 100_000
"""Parked events of a service. Above it, events are redelivered instead."""
MAX_CONCURRENT_AGGREGATES = 8
"""Aggregates whose waiting events are handled at the same time."""
MAX_QUEUED_AGGREGATES = 10_000
"""Aggregates that are queued for it. The sweep finds the events of others."""
BATCH_SIZE = 64
SWEEP_SECONDS = 1
SWEPT_WAITING, SWEPT_FAILED = 20, 100
"""Events that a sweep handles at most: those that wait for an event, and those that failed."""
LEASE = timedelta(seconds=2 * HANDLER_TIMEOUT_SECONDS)
UNKNOWN_SUBJECT_DELAY = timedelta(seconds=60)


class Parking:
    """The parked events of a service, as one of its processes handles them."""

    def __init__(self, connection: Client, listeners: Listeners) -> None:
        self._connection = connection
        self._listeners = listeners
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_AGGREGATES)
        self._reached: dict[str, int] = {}
        """The aggregates whose waiting events are to be tried, with their versions."""
        self._active: set[str] = set()
        """The aggregates that have a task for it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._count = 0
        """The parked events at the last refresh, and those that this process added since."""
        self._inserting = self._inserted = 0

    async def park(self, delivery: Delivery, error: Exception, published_at: datetime) -> bool:
        """Store an event to be handled later. Returns False if the service has too many.

        Raises: PyMongoError.
        """
        if self._count + self._inserting >= MAX_PARKED:
            log.warning("parking.full", parked=self._count)
            return False
        parked = parked_event(delivery, error, published_at)
        self._inserting += 1
        try:
            await parked_events.insert(parked)
        finally:
            self._inserting -= 1
        self._count += 1
        self._inserted += 1
        if parked.waits_for is not None:
            # Another process may have handled the awaited event before this one was stored.
            self.try_waiting(parked.waits_for, parked.after_version)
        return True

    def handled(self, event: DomainEvent) -> None:
        """Handle, in the background, the parked events that waited for this one."""
        if self._count:
            self.try_waiting(event.aggregate_id, event.aggregate_version)

    def try_waiting(self, aggregate_id: str, version: int) -> None:
        """Try, in the background, the events that wait for an aggregate to reach a version."""
        if len(self._reached) >= MAX_QUEUED_AGGREGATES:
            return
        self._reached[aggregate_id] = max(version, self._reached.get(aggregate_id, version))
        if aggregate_id not in self._active:
            self._active.add(aggregate_id)
            self._create_task(self._handle_waiting(aggregate_id))

    def _create_task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run work that the end of `run` does not cancel."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _handle_waiting(self, aggregate_id: str) -> None:
        """Handle the events that wait for an aggregate, in order, until one must wait longer."""
        try:
            async with self._slots:
                while aggregate_id in self._reached and not self._stopping:
                    version = self._reached.pop(aggregate_id)
                    await self._handle_waiting_for(aggregate_id, version)
        except PyMongoError as error:
            log.warning("parking.failed", error=repr(error))
        except Exception:
            log.exception("parking.failed")
        finally:
            self._reached.pop(aggregate_id, None)
            self._active.discard(aggregate_id)

    async def _handle_waiting_for(self, aggregate_id: str, version: int) -> None:
        while batch := await parked_events.waiting_for(aggregate_id, version, BATCH_SIZE):
            for parked in batch:
                if self._stopping or not await self._attempt(parked):
                    return

    async def _attempt(self, parked: ParkedEvent, *, swept: bool = False) -> bool:
        """Try to handle an event. Returns False if others that wait for the same must wait too."""
        if parked.delete_at is not None and parked.delete_at <= utc_now():
            log.warning("event.expired", subject=parked.subject, event_id=parked.id)
            await parked_events.delete(parked.id)
            return True
        listener = self._listeners.of(parked.subject)
        if listener is None:  # another release of the service listens to it
            later = utc_now() + UNKNOWN_SUBJECT_DELAY
            await parked_events.postpone(parked, None, later)
            return True
        delivery = ParkedDelivery(
            listener,
            parked.envelope,
            self._connection.jetstream(),
            parked.stream,
            parked.sequence,
            retry_state(parked),
            parking=self,
            parked=parked,
            swept=swept,
        )
        try:
            await delivery.run(self._listeners)
        except NatsError as error:  # the dead letter is not stored, so the event stays parked
            log.warning("parking.failed", error=repr(error))
            return False
        return not delivery.is_blocked

    async def run(self) -> None:
        """Sweep until cancelled. Running handlers are not cancelled."""
        self._stopping = False
        try:
            while True:
                try:
                    await self._refresh()
                    # Without a broker the awaited events cannot arrive: nothing may be given up.
                    if self._count and self._connection.is_connected:
                        sweep = self._create_task(self.sweep())
                        await asyncio.wait({sweep})
                        sweep.result()
                except PyMongoError as error:
                    log.warning("parking.failed", error=repr(error))
                except Exception:  # one event must not stop the others
                    log.exception("parking.failed")
                await asyncio.sleep(SWEEP_SECONDS)
        finally:
            self._stopping = True

    async def _refresh(self) -> None:
        """Read how many events are parked, and report it."""
        inserted = self._inserted
        count = await parked_events.count()
        self._count = count + self._inserted - inserted  # the count may miss those since then
        age = await parked_events.oldest_age() if count else timedelta(0)
        metrics.PARKED_EVENTS.set(count)
        metrics.PARKED_EVENTS_OLDEST_SECONDS.set(age.total_seconds())

    async def sweep(self) -> None:
        """Try events that are due. One with a trigger is left over only after a crash."""
        for triggered, limit in ((False, SWEPT_FAILED), (True, SWEPT_WAITING)):
            for _ in range(limit):
                parked = await parked_events.claim(LEASE, triggered=triggered)
                if parked is None or self._stopping:  # a claimed one is due again after the lease
                    break
                await self._attempt(parked, swept=True)

    async def finish(self) -> None:
        """Wait for the running handlers, no longer than one handler may take."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=HANDLER_TIMEOUT_SECONDS)
