"""The only room that knows NATS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from ticketing_common.broker.consumer import HANDLER_SECONDS, Consumer
from ticketing_common.broker.history import history
from ticketing_common.broker.relay import Relay
from ticketing_common.broker.streams import consumers, provision
from ticketing_common.events import Envelope, Event
from ticketing_common.listeners import Listeners

__all__ = ["Broker", "BrokerError"]

BrokerError = (NatsError, OSError)
"""What the broker raises where it cannot be reached."""

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS = 2
STOP_SECONDS = HANDLER_SECONDS + 1
DRAIN_SECONDS = 3


class Broker:
    """A service's tie to the bus. It comes and goes with NATS, and the service goes on without."""

    def __init__(self, url: str, listeners: Listeners, *, relay: bool = True) -> None:
        self._url = url
        self._listeners = listeners
        self._has_outbox = relay
        self._connection = Client()
        self._work: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._work.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """End what is in hand, publish what is committed, disconnect; bounded in time."""
        for task in self._work:
            task.cancel()
        if self._work:
            await asyncio.wait(self._work, timeout=STOP_SECONDS)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                if self._has_outbox and self._connection.is_connected:
                    await Relay(self._connection.jetstream()).drain()
                await self._connection.close()
        except BrokerError as error:
            log.warning("broker.stopped_unclean", error=repr(error))

    async def ready(self) -> None:
        """Wait until streams and consumers exist and listening has begun."""
        await self._ready.wait()

    async def publish(self, envelope: Envelope) -> None:
        """Publish one event and wait until it is stored. Raises BrokerError where it is not."""
        await self.jetstream().publish(
            envelope.subject, envelope.body, headers=dict(envelope.headers), timeout=5
        )

    def history(self, *events: type[Event]) -> AsyncIterator[Event]:
        """What the stream of these events still holds of them. Raises BrokerError."""
        return history(self.jetstream(), *events)

    def jetstream(self) -> JetStreamContext:
        return self._connection.jetstream()

    async def _connect(self) -> None:
        await self._connection.connect(
            self._url,
            name=self._listeners.service,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            error_cb=_log_error,
            disconnected_cb=_log_change("broker.disconnected"),
            reconnected_cb=_log_change("broker.connected"),
            # A publish that cannot be sent now is kept in the outbox, not in memory.
            pending_size=0,
        )

    async def _listen(self) -> None:
        """Provision, then relay and consume until one of them fails."""
        js = self.jetstream()
        await provision(js, [self._listeners])
        self._ready.set()
        log.info("broker.listening")
        async with asyncio.TaskGroup() as work:
            if self._has_outbox:
                work.create_task(Relay(js).run())
            for stream in consumers(self._listeners):
                work.create_task(Consumer(js, stream, self._listeners).run())

    async def _run(self) -> None:
        pause = 0.2
        while True:
            try:
                if not self._connection.is_connected and not self._connection.is_reconnecting:
                    await self._connect()
                pause = 0.2
                await self._listen()
            except* (NatsError, OSError) as errors:
                log.warning("broker.failed", error=repr(errors.exceptions[0]), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _log_error(error: Exception) -> None:
    log.warning("broker.error", error=repr(error))


def _log_change(event: str) -> Callable[[], Awaitable[None]]:
    async def logged() -> None:
        log.info(event)

    return logged
