"""JetStream consumer: delivers the events of one stream to a service's handlers."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from pymongo.errors import PyMongoError

from ticketing_common.backoff import Backoff
from ticketing_common.events import Envelope, InvalidMessage
from ticketing_common.messaging.consuming.delivery import (
    HANDLER_TIMEOUT_SECONDS,
    OUT_OF_ORDER_BACKOFF,
    UNAVAILABLE_BACKOFF,
    Delivery,
    RetryState,
)
from ticketing_common.messaging.consuming.parking import Parking
from ticketing_common.messaging.listeners import Listeners, Outcome, RetryLater
from ticketing_common.messaging.replay import original_subject
from ticketing_common.messaging.streams import consumers, filter_subjects_of
from ticketing_common.observability import metrics

log = structlog.get_logger(__name__)

MAX_CONCURRENT_EVENTS = 16
"""Events of one stream that are handled at the same time."""
MAX_FAILED_DELIVERIES = 100
"""Failed events of one stream that this process leaves to redelivery. More are parked: a consumer
whose 1,000 deliveries are all unacknowledged receives nothing."""
FETCH_TIMEOUT_SECONDS = 5
FLUSH_TIMEOUT_SECONDS = 1
"""How long the consumer waits for an unresponsive broker when it stops."""
SOCKET_TO_FETCH_SECONDS = 0.01
"""The time nats-py needs to hand a message it has read from its socket to `fetch`."""
MAX_RETRY_STATES = 10_000
PROVISIONED_BACKOFF = Backoff(0.2, 5)
LACKING_CHECK_SECONDS = 30
"""How often a consumer that lacks subjects is checked again."""


class Consumer:
    """Deliver one stream's events to a service's handlers, several at a time.

    Events of one aggregate are handled one after the other. The handler's outcome alone decides
    between acknowledgement, parking, redelivery with backoff, and dead letter.
    """

    def __init__(
        self, connection: Client, stream: str, listeners: Listeners, parking: Parking | None
    ) -> None:
        """Without `parking`, an event that must wait is redelivered."""
        self._connection = connection
        self._js = connection.jetstream()
        self.parking = parking
        self._stream = stream
        self._listeners = listeners
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_EVENTS)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._retry_states: OrderedDict[str, RetryState] = OrderedDict()
        self.failed_deliveries = 0
        """Failed events that wait for their redelivery."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.exists = asyncio.Event()
        """Set once NATS has had the consumer."""
        self._check_at = 0.0

    async def run(self) -> None:
        """Fetch and handle events until cancelled or the broker fails.

        First wait until the consumer is provisioned. Running handlers are not cancelled.
        """
        await self._wait_until_provisioned()
        subscription = await self._js.pull_subscribe_bind(
            self._listeners.service, stream=self._stream
        )
        try:
            while True:
                if _now() >= self._check_at:
                    await self._check()
                await self._slots.acquire()
                fetch = asyncio.create_task(subscription.fetch(1, timeout=FETCH_TIMEOUT_SECONDS))
                try:
                    await asyncio.wait({fetch})
                except asyncio.CancelledError:
                    await self._flush(fetch)
                    raise
                finally:
                    self._start_handling(fetch)
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def _wait_until_provisioned(self) -> None:
        attempts = 0
        while not await self._check():
            attempts += 1
            if attempts == 1:
                log.warning(
                    "consumer.not_provisioned",
                    stream=self._stream,
                    hint="`ticketing streams provision` creates it. No event is lost meanwhile.",
                )
            await asyncio.sleep(PROVISIONED_BACKOFF.delay(attempts))
        if attempts:
            log.info("consumer.provisioned", stream=self._stream)

    async def _check(self) -> bool:
        """Return whether the consumer exists, and report it if it lacks subjects."""
        try:
            info = await self._js.consumer_info(self._stream, self._listeners.service)
        except NotFoundError:
            metrics.CONSUMERS_NOT_PROVISIONED.labels(self._stream).set(1)
            return False
        self.exists.set()
        wanted = filter_subjects_of(consumers(self._listeners)[self._stream])
        missing = sorted({*wanted} - {*filter_subjects_of(info.config)})
        metrics.CONSUMERS_NOT_PROVISIONED.labels(self._stream).set(len(missing) > 0)
        if missing:
            log.warning("consumer.lacks_subjects", stream=self._stream, subjects=missing)
        self._check_at = _now() + LACKING_CHECK_SECONDS if missing else math.inf
        return True

    async def _flush(self, fetch: "asyncio.Task[list[Msg]]") -> None:
        """Receive a message that is already on its way.

        A lost message would be redelivered only after its ack wait.
        """
        if self._connection.is_connected:
            with suppress(NatsError, OSError):
                # The broker answers a flush after everything that it sent before.
                await self._connection.flush(timeout=FLUSH_TIMEOUT_SECONDS)
        await asyncio.wait({fetch}, timeout=SOCKET_TO_FETCH_SECONDS)

    def _start_handling(self, fetch: "asyncio.Task[list[Msg]]") -> None:
        """Start handling the fetched message, if there is one. Raises the fetch's exception."""
        if not fetch.done():
            fetch.cancel()
            self._slots.release()
            return
        try:
            [message] = fetch.result()
        except TimeoutError:
            self._slots.release()
        except BaseException:
            self._slots.release()
            raise
        else:
            self._create_task(self._handle(message))

    async def finish(self) -> None:
        """Wait for the running handlers, no longer than one handler may take."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=HANDLER_TIMEOUT_SECONDS)

    def _create_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        metrics.EVENTS_IN_PROGRESS.inc()

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            metrics.EVENTS_IN_PROGRESS.dec()
            self._slots.release()

        task.add_done_callback(done)

    async def _handle(self, message: Msg) -> None:
        subject = original_subject(message.subject)
        listener = self._listeners.of(subject)
        if listener is None:  # the consumer's filter still has a subject of another release
            await message.nak(delay=60)
            return
        envelope = Envelope(subject, message.data, dict(message.headers or {}))
        state = self._retry_states.get(envelope.headers.get("ce-id", "")) or RetryState()
        place = message.metadata
        delivery = _MessageDelivery(
            listener,
            envelope,
            self._js,
            place.stream,
            place.sequence.stream,
            state,
            consumer=self,
            message=message,
        )
        try:
            try:
                _, aggregate_id = envelope.id, delivery.event.aggregate_id
            except InvalidMessage as error:
                await delivery.give_up(str(error), attempts=1)
                return
            async with self._locks.setdefault(aggregate_id, asyncio.Lock()):
                await delivery.run(self._listeners)
        except (NatsError, OSError) as error:
            # The broker received no acknowledgement, so it redelivers the event.
            log.warning("event.not_acknowledged", listener=listener.name, error=repr(error))
        except Exception:
            log.exception("event.not_acknowledged", listener=listener.name)

    def remember(self, event_id: str, state: RetryState) -> None:
        """Keep the state of an event that is redelivered."""
        self._retry_states[event_id] = state
        if len(self._retry_states) > MAX_RETRY_STATES:
            self._retry_states.popitem(last=False)

    def forget(self, event_id: str) -> None:
        """Drop the state of an event whose delivery has ended."""
        self._retry_states.pop(event_id, None)


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class _MessageDelivery(Delivery):
    consumer: Consumer
    message: Msg

    async def _handled(self, outcome: Outcome) -> None:
        if self.consumer.parking is not None:
            self.consumer.parking.handled(self.event)
        await self._acknowledge()

    async def _acknowledge(self) -> None:
        self.consumer.forget(self.envelope.id)
        await self.message.ack()

    async def _wait(self, error: RetryLater) -> None:
        delay = OUT_OF_ORDER_BACKOFF.delay(self.state.attempts)
        await self._park_or_redeliver(error, delay)

    async def _retry_failed(self, error: Exception, delay: float) -> None:
        if self.consumer.failed_deliveries >= MAX_FAILED_DELIVERIES:
            await self._park_or_redeliver(error, delay)
            return
        self.consumer.failed_deliveries += 1
        asyncio.get_running_loop().call_later(delay, self._end_failed_delivery)
        await self._retry(error, delay)

    def _end_failed_delivery(self) -> None:
        self.consumer.failed_deliveries -= 1

    async def _park_or_redeliver(self, error: Exception, delay: float) -> None:
        """Park the event and acknowledge it, or have it redelivered where that is impossible."""
        parking = self.consumer.parking
        if parking is None:
            await self._retry(error, delay)
            return
        try:
            is_parked = await parking.park(self, error, self.message.metadata.timestamp)
        except PyMongoError as failure:
            await self._retry(failure, UNAVAILABLE_BACKOFF.delay(self.state.attempts))
            return
        if is_parked:
            await self._acknowledge()
        else:
            await self._retry(error, delay)

    async def _retry(self, error: Exception, delay: float) -> None:
        self.consumer.remember(self.envelope.id, self.state)
        await self.message.nak(delay=delay)

    async def _end(self) -> None:
        self.consumer.forget(self.envelope.headers.get("ce-id", ""))
        await self.message.term()
