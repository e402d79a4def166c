"""From the broker to the listeners."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ticketing_common.errors import Unavailable
from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.dead_letters import bury
from ticketing_common.messaging.listeners import Listener, Listeners, Reject, RetryLater
from ticketing_common.messaging.replay import REPLAY_HEADER, original_subject
from ticketing_common.messaging.streams import ACK_SECONDS
from ticketing_common.observability import telemetry

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Events of one stream in hand at once."""
TRIES = 8
"""Failures after which an event is a dead letter; their pauses add up to about a minute."""
PATIENCE_SECONDS = 24 * 3600
"""How long an event may wait for what must come before it."""
HANDLER_SECONDS = ACK_SECONDS / 2
FETCH_SECONDS = 5
ON_ITS_WAY_SECONDS = 1
"""How long a broker that hangs may keep us when we stop."""
HAND_OVER_SECONDS = 0.01
"""How long nats-py may take from its socket to us."""
REMEMBERED = 10_000


@dataclass
class _Trouble:
    """What we remember of an event that did not end well."""

    event_id: str
    failures: int = 0
    waits: int = 0
    waits_since: float | None = None
    """Since when it waits for another event, while every part that it needs answers."""


class Consumer:
    """Hands one stream's events to a service's listeners, several side by side.

    Two events of one document wait for one another. How a handler ends decides what the broker is
    told; nothing else does.
    """

    def __init__(self, connection: Client, stream: str, listeners: Listeners) -> None:
        self._connection = connection
        self._js = connection.jetstream()
        self._stream = stream
        self._listeners = listeners
        self._room = asyncio.Semaphore(AT_ONCE)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._troubles: OrderedDict[str, _Trouble] = OrderedDict()
        self._in_hand: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Fetch and handle until cancelled or the broker raises. What is in hand goes on."""
        subscription = await self._js.pull_subscribe_bind(
            self._listeners.service, stream=self._stream
        )
        try:
            while True:
                await self._room.acquire()
                fetching = asyncio.create_task(subscription.fetch(1, timeout=FETCH_SECONDS))
                try:
                    await asyncio.wait({fetching})
                except asyncio.CancelledError:
                    await self._arrived(fetching)
                    raise
                finally:
                    self._take(fetching)
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def _arrived(self, fetching: "asyncio.Task[list[Msg]]") -> None:
        """Let in what is on its way: sent to nobody, it is sent again only after its ack wait."""
        if self._connection.is_connected:
            with suppress(NatsError, OSError):
                # What the broker sent before it answers is here when its answer is.
                await self._connection.flush(timeout=ON_ITS_WAY_SECONDS)
        await asyncio.wait({fetching}, timeout=HAND_OVER_SECONDS)

    def _take(self, fetching: "asyncio.Task[list[Msg]]") -> None:
        """Begin with what was fetched, if anything. Raises what the broker does."""
        if not fetching.done():
            fetching.cancel()
            self._room.release()
            return
        try:
            [message] = fetching.result()
        except TimeoutError:
            self._room.release()
        except BaseException:
            self._room.release()
            raise
        else:
            self._begin(self._handle(message))

    async def finish(self) -> None:
        """Wait for what is in hand, no longer than a handler may take."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=HANDLER_SECONDS)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._in_hand.add(task)
        telemetry.IN_HAND.inc()

        def ended(task: asyncio.Task[None]) -> None:
            self._in_hand.discard(task)
            telemetry.IN_HAND.dec()
            self._room.release()

        task.add_done_callback(ended)

    async def _handle(self, message: Msg) -> None:
        listener = self._listeners.of(original_subject(message.subject))
        if listener is None:  # a consumer of an older version, with a subject we dropped
            await message.nak(delay=60)
            return
        try:
            await self._decide(message, listener)
        except (NatsError, OSError) as error:
            # Nothing was said to the broker, so it delivers the event again.
            log.warning("event.unanswered", listener=listener.name, error=repr(error))
        except Exception:
            log.exception("event.unanswered", listener=listener.name)

    async def _decide(self, message: Msg, listener: Listener) -> None:
        envelope = Envelope(message.subject, message.data, dict(message.headers or {}))
        try:
            event_id, event = envelope.id, envelope.open(listener.event)
        except InvalidMessage as error:
            await self._bury(message, listener, cause=str(error), tries=1)
            return
        lock = self._locks.setdefault(event.key, asyncio.Lock())
        async with lock:
            with telemetry.span(listener.name, envelope.headers):
                structlog.contextvars.bind_contextvars(listener=listener.name, event_id=event_id)
                await self._deliver(message, listener, event, event_id)

    async def _deliver(
        self, message: Msg, listener: Listener, event: DomainEvent, event_id: str
    ) -> None:
        trouble = self._troubles.get(event_id) or _Trouble(event_id)
        replay = REPLAY_HEADER in (message.headers or {})
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                end = await self._listeners.deliver(event, event_id, replay=replay)
        except RetryLater as error:
            if trouble.waits_since is None:
                trouble.waits_since = monotonic()
            if monotonic() - trouble.waits_since > PATIENCE_SECONDS:
                await self._bury(message, listener, cause=str(error), tries=trouble.waits + 1)
                return
            trouble.waits += 1
            await self._again(message, listener, trouble, "waits", error, pauses=(0.05, 30))
        except Unavailable as error:
            trouble.waits += 1
            trouble.waits_since = None  # what it waits for could not be handled either
            await self._again(message, listener, trouble, "unavailable", error, pauses=(0.2, 30))
        except Reject as error:
            await self._bury(message, listener, cause=str(error), tries=trouble.failures + 1)
        except Exception as error:
            trouble.failures += 1
            if trouble.failures >= TRIES:
                log.exception("event.failed")
                await self._bury(message, listener, cause=repr(error), tries=trouble.failures)
                return
            await self._again(message, listener, trouble, "failed", error, pauses=(0.25, 30))
        else:
            self._troubles.pop(event_id, None)
            telemetry.HANDLED.labels(listener.name, end.value).inc()
            await message.ack()

    async def _again(
        self,
        message: Msg,
        listener: Listener,
        trouble: _Trouble,
        end: str,
        error: Exception,
        *,
        pauses: tuple[float, float],
    ) -> None:
        """Have the event delivered again after a pause that doubles from the first of `pauses`."""
        shortest, longest = pauses
        pause = min(shortest * 2 ** min(trouble.failures + trouble.waits - 1, 16), longest)
        self._troubles[trouble.event_id] = trouble
        if len(self._troubles) > REMEMBERED:
            self._troubles.popitem(last=False)
        telemetry.HANDLED.labels(listener.name, end).inc()
        log.info(f"event.{end}", error=repr(error), again_in_seconds=pause)
        await message.nak(delay=pause)

    async def _bury(self, message: Msg, listener: Listener, *, cause: str, tries: int) -> None:
        telemetry.HANDLED.labels(listener.name, "dead").inc()
        log.error("event.dead", listener=listener.name, cause=cause, tries=tries)
        await bury(self._js, message, listener, cause=cause, tries=tries)
        self._troubles.pop((message.headers or {}).get("ce-id", ""), None)
