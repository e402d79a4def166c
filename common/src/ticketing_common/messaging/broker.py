"""A service's connection to NATS: its relay, its consumers and its feed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from ticketing_common.background import background, run_until_failure
from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.consuming.consumer import Consumer
from ticketing_common.messaging.consuming.parking import Parking
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.feed_reader import keep_feed_current
from ticketing_common.messaging.follower import Follower, keep_current
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.publish import publish
from ticketing_common.messaging.relay import Relay
from ticketing_common.messaging.stream_reader import read_stored
from ticketing_common.messaging.streams import consumers, stream_of

__all__ = ["Broker", "BrokerError"]

BrokerError = (NatsError, OSError)
"""The exceptions of the broker's methods if NATS is unavailable."""

log = structlog.get_logger(__name__)

RESTART_DELAY_SECONDS = 0.5
DRAIN_SECONDS, DRAIN_TIMEOUT_SECONDS = 2, 3
"""How long the outbox is published at the shutdown; the same with the deletion of its rows."""
CLOSE_TIMEOUT_SECONDS = 1


class Broker:
    """A service's connection to NATS. The service works without it and catches up afterwards."""

    def __init__(
        self,
        url: str,
        listeners: Listeners,
        *,
        relay: bool = True,
        feed: Feed | None = None,
        follower: Follower[Any] | None = None,
    ) -> None:
        self._url = url
        self._listeners = listeners
        self._feed = feed
        self._follower = follower
        self._connection = Client()
        self._relay = Relay(self._connection) if relay else None
        streams = consumers(listeners)
        has_parking = bool(streams) and listeners.uses_inbox
        self._parking = Parking(self._connection, listeners) if has_parking else None
        self._consumers = [
            Consumer(self._connection, stream, listeners, self._parking) for stream in streams
        ]
        self._connected = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Connect, publish and consume beside the block, which does not wait for any of it.

        At its end, within bounded time, running handlers finish and committed events are published.
        """
        async with background(self._run()):
            yield self
        await asyncio.gather(*(consumer.finish() for consumer in self._consumers))
        if self._parking is not None:
            await self._parking.finish()
        try:
            if self._relay is not None:
                await self._drain(self._relay)
        finally:
            with suppress(TimeoutError):  # an unresponsive broker reads nothing any more
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await self._connection.close()

    async def ready(self) -> None:
        """Wait until the service is connected and its consumers exist."""
        await self._connected.wait()
        for consumer in self._consumers:
            await consumer.exists.wait()

    async def publish(self, envelope: Envelope) -> None:
        """Publish one event and wait until it is stored. Raises: BrokerError."""
        await publish(self.jetstream(), envelope)

    async def history(self, *events: type[DomainEvent]) -> AsyncIterator[DomainEvent]:
        """Yield the events of these types, all of one stream, that it still has, oldest first.

        Invalid messages are skipped: they are dead letters. Raises: BrokerError.
        """
        (stream,) = {stream_of(event) for event in events}
        by_subject = {event.subject: event for event in events}
        async for message in read_stored(self.jetstream(), stream):
            if (event := by_subject.get(message.subject)) is not None:
                with suppress(InvalidMessage):
                    yield message.envelope.decode(event)

    async def _drain(self, relay: Relay) -> None:
        # Not `asyncio.timeout`, which waits forever for a task that loses its cancellation.
        async with background(relay.drain(DRAIN_SECONDS)) as tasks:
            await asyncio.wait(tasks, timeout=DRAIN_TIMEOUT_SECONDS)
        [task] = tasks
        error = "no end in time" if task.cancelled() else task.exception()
        if error is not None:
            log.warning("broker.outbox_not_drained", error=repr(error))

    def jetstream(self) -> JetStreamContext:
        return self._connection.jetstream()

    async def _connect(self) -> None:
        await self._connection.connect(
            self._url,
            name=self._listeners.service,
            # The permissions let the user subscribe to no other prefix.
            inbox_prefix=f"_INBOX.{self._listeners.service}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            # Detects a server that vanished without closing the connection within a minute.
            ping_interval=20,
            error_cb=_log_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=_log_event("broker.reconnected"),
            # Events that cannot be published now stay in the outbox, not in memory.
            pending_size=0,
        )

    async def _on_disconnect(self) -> None:
        log.info("broker.disconnected")
        if self._feed is not None:
            self._feed.interrupt()

    async def _serve(self) -> None:
        """Publish and consume until one of the tasks fails.

        A stream or a consumer that is not provisioned delays only its own events.
        """
        self._connected.set()
        log.info("broker.connected")
        work = [consumer.run() for consumer in self._consumers]
        if self._parking is not None:
            work.append(self._parking.run())
        if self._relay is not None:
            work.append(self._relay.run())
        if self._feed is not None:
            work.append(keep_feed_current(self.jetstream(), self._feed))
        if self._follower is not None:
            work.append(keep_current(self.jetstream(), self._follower))
        if work:
            await run_until_failure(*work)

    async def _run(self) -> None:
        """Serve until cancelled, and start again after any failure."""
        while True:
            try:
                if not self._connection.is_connected and not self._connection.is_reconnecting:
                    await self._connect()
                await self._serve()
            except* BrokerError as errors:
                log.warning("broker.failed", error=repr(errors.exceptions[0]))
            except* Exception:
                log.exception("broker.failed")
            await asyncio.sleep(RESTART_DELAY_SECONDS)


async def _log_error(error: Exception) -> None:
    log.warning("broker.error", error=repr(error))


def _log_event(name: str) -> Callable[[], Awaitable[None]]:
    async def callback() -> None:
        log.info(name)

    return callback
