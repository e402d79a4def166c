"""The only room that knows NATS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from pymongo.errors import PyMongoError

from ticketing_common.background import background
from ticketing_common.events import DomainEvent, Envelope
from ticketing_common.messaging.consumer import Consumer
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.feed_reader import follow
from ticketing_common.messaging.history import history
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.relay import Relay
from ticketing_common.messaging.streams import consumers, provision

__all__ = ["Broker", "BrokerError"]

BrokerError = (NatsError, OSError)
"""What the broker raises where it cannot be reached."""

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.5
DRAIN_SECONDS = 3
CLOSE_SECONDS = 1


class Broker:
    """A service's tie to the bus. It comes and goes with NATS, and the service goes on without."""

    def __init__(
        self,
        url: str,
        listeners: Listeners,
        *,
        relay: bool = True,
        feed: Feed | None = None,
        replicas: int = 1,
    ) -> None:
        """`replicas`: how many of the broker's servers keep each stream."""
        self._url = url
        self._replicas = replicas
        self._listeners = listeners
        self._feed = feed
        self._connection = Client()
        js = self.jetstream()
        self._relay = Relay(js) if relay else None
        self._consumers = [
            Consumer(self._connection, stream, listeners) for stream in consumers(listeners)
        ]
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Connect, publish and listen beside the block, which need not wait for any of it.

        At its end, bounded in time: what is in hand ends, what is committed is published.
        """
        async with background(self._run()):
            yield self
        await asyncio.gather(*(consumer.finish() for consumer in self._consumers))
        try:
            if self._relay is not None and self._connection.is_connected:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._relay.drain()
        except (*BrokerError, PyMongoError) as error:
            log.warning("broker.stopped_with_an_outbox", error=repr(error))
        finally:
            with suppress(TimeoutError):  # of a broker that hangs: it reads nothing any more
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._connection.close()

    async def ready(self) -> None:
        """Wait until streams and consumers exist and listening has begun."""
        await self._ready.wait()

    async def publish(self, envelope: Envelope) -> None:
        """Publish one event and wait until it is stored. Raises BrokerError where it is not."""
        await self.jetstream().publish(
            envelope.subject, envelope.body, headers=dict(envelope.headers), timeout=5
        )

    def history(self, *events: type[DomainEvent]) -> AsyncIterator[DomainEvent]:
        """What the stream of these events still holds of them. Raises BrokerError."""
        return history(self.jetstream(), self._listeners.service, *events)

    def jetstream(self) -> JetStreamContext:
        return self._connection.jetstream()

    async def _connect(self) -> None:
        await self._connection.connect(
            self._url,
            name=self._listeners.service,
            # Where answers come; nobody else may listen in there.
            inbox_prefix=f"_INBOX.{self._listeners.service}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            # A server that has vanished without a word is left after a minute, not after six.
            ping_interval=20,
            error_cb=_log_error,
            disconnected_cb=_log_change("broker.disconnected"),
            reconnected_cb=_log_change("broker.connected"),
            # A publish that cannot be sent now is kept in the outbox, not in memory.
            pending_size=0,
        )

    async def _listen(self) -> None:
        """Provision, then relay and consume until one of them fails."""
        await provision(self.jetstream(), self._listeners, replicas=self._replicas)
        self._ready.set()
        log.info("broker.listening")
        async with asyncio.TaskGroup() as work:
            if self._relay is not None:
                work.create_task(self._relay.run())
            for consumer in self._consumers:
                work.create_task(consumer.run())
            if self._feed is not None:
                work.create_task(follow(self.jetstream(), self._feed, self._listeners.service))

    async def _run(self) -> None:
        """Listen until cancelled; begin again, after a pause, whatever ended it."""
        while True:
            try:
                if not self._connection.is_connected and not self._connection.is_reconnecting:
                    await self._connect()
                await self._listen()
            except* BrokerError as errors:
                log.warning("broker.failed", error=repr(errors.exceptions[0]))
            except* Exception:
                log.exception("broker.failed")
            await asyncio.sleep(PAUSE_SECONDS)


async def _log_error(error: Exception) -> None:
    log.warning("broker.error", error=repr(error))


def _log_change(event: str) -> Callable[[], Awaitable[None]]:
    async def logged() -> None:
        log.info(event)

    return logged
