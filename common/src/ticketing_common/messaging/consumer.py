"""JetStream consumer: delivers the events of one stream to a service's handlers."""

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

from ticketing_common.backoff import Backoff
from ticketing_common.errors import Unavailable
from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.dead_letters import publish_dead_letter
from ticketing_common.messaging.listeners import Listener, Listeners, Reject, RetryLater
from ticketing_common.messaging.replay import REPLAY_HEADER, original_subject
from ticketing_common.messaging.streams import ACK_WAIT_SECONDS
from ticketing_common.observability import metrics, tracing

log = structlog.get_logger(__name__)

MAX_CONCURRENT_EVENTS = 16
"""Events of one stream that are handled at the same time."""
MAX_FAILURES = 8
"""Failures that make an event a dead letter. Their delays add up to half a minute."""
MAX_WAIT_SECONDS = 24 * 3600
"""How long an out-of-order event waits for the event that must come first."""
HANDLER_TIMEOUT_SECONDS = ACK_WAIT_SECONDS / 2
FETCH_TIMEOUT_SECONDS = 5
FLUSH_TIMEOUT_SECONDS = 1
"""How long the consumer waits for an unresponsive broker when it stops."""
SOCKET_TO_FETCH_SECONDS = 0.01
"""The time nats-py needs to hand a message it has read from its socket to `fetch`."""
MAX_RETRY_STATES = 10_000

OUT_OF_ORDER_BACKOFF = Backoff(0.05, 30)
UNAVAILABLE_BACKOFF = Backoff(0.2, 30)
FAILURE_BACKOFF = Backoff(0.25, 30)


@dataclass
class _RetryState:
    """The failed deliveries of one event, as far as this process knows."""

    event_id: str
    failures: int = 0
    waits: int = 0
    waiting_since: float | None = None
    """The start of the current wait for an earlier event. Unavailable stores restart it."""


class Consumer:
    """Deliver one stream's events to a service's handlers, several at a time.

    Events of one aggregate are handled one after the other. The handler's outcome alone decides
    between acknowledgement, redelivery with backoff, and dead letter.
    """

    def __init__(self, connection: Client, stream: str, listeners: Listeners) -> None:
        self._connection = connection
        self._js = connection.jetstream()
        self._stream = stream
        self._listeners = listeners
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_EVENTS)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._retry_states: OrderedDict[str, _RetryState] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Fetch and handle events until cancelled or the broker fails.

        Running handlers are not cancelled.
        """
        subscription = await self._js.pull_subscribe_bind(
            self._listeners.service, stream=self._stream
        )
        try:
            while True:
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
        listener = self._listeners.of(original_subject(message.subject))
        if listener is None:  # the consumer's filter still has a subject of another release
            await message.nak(delay=60)
            return
        try:
            await self._decode_and_handle(message, listener)
        except (NatsError, OSError) as error:
            # The broker received no acknowledgement, so it redelivers the event.
            log.warning("event.not_acknowledged", listener=listener.name, error=repr(error))
        except Exception:
            log.exception("event.not_acknowledged", listener=listener.name)

    async def _decode_and_handle(self, message: Msg, listener: Listener) -> None:
        envelope = Envelope(message.subject, message.data, dict(message.headers or {}))
        try:
            event_id, event = envelope.id, envelope.decode(listener.event)
        except InvalidMessage as error:
            await self._dead_letter(message, listener, cause=str(error), attempts=1)
            return
        lock = self._locks.setdefault(event.aggregate_id, asyncio.Lock())
        async with lock:
            with tracing.span(listener.name, envelope.headers):
                structlog.contextvars.bind_contextvars(listener=listener.name, event_id=event_id)
                await self._run_handler(message, listener, event, event_id)

    async def _run_handler(
        self, message: Msg, listener: Listener, event: DomainEvent, event_id: str
    ) -> None:
        state = self._retry_states.get(event_id) or _RetryState(event_id)
        replay = REPLAY_HEADER in (message.headers or {})
        try:
            async with asyncio.timeout(HANDLER_TIMEOUT_SECONDS):
                outcome = await self._listeners.handle(event, event_id, replay=replay)
        except RetryLater as error:
            if state.waiting_since is None:
                state.waiting_since = monotonic()
            if monotonic() - state.waiting_since > MAX_WAIT_SECONDS:
                await self._dead_letter(
                    message, listener, cause=str(error), attempts=state.waits + 1
                )
                return
            state.waits += 1
            await self._retry(message, listener, state, "out_of_order", error, OUT_OF_ORDER_BACKOFF)
        except Unavailable as error:
            state.waits += 1
            state.waiting_since = None  # the awaited event could not be handled either
            await self._retry(message, listener, state, "unavailable", error, UNAVAILABLE_BACKOFF)
        except Reject as error:
            await self._dead_letter(
                message, listener, cause=str(error), attempts=state.failures + 1
            )
        except Exception as error:
            state.failures += 1
            if state.failures >= MAX_FAILURES:
                log.exception("event.failed")
                await self._dead_letter(
                    message, listener, cause=repr(error), attempts=state.failures
                )
                return
            await self._retry(message, listener, state, "failed", error, FAILURE_BACKOFF)
        else:
            self._retry_states.pop(event_id, None)
            metrics.EVENTS_HANDLED.labels(listener.name, outcome.value).inc()
            await message.ack()

    async def _retry(
        self,
        message: Msg,
        listener: Listener,
        state: _RetryState,
        outcome: str,
        error: Exception,
        backoff: Backoff,
    ) -> None:
        """Ask the broker to redeliver the event after the backoff."""
        delay = backoff.delay(state.failures + state.waits)
        self._retry_states[state.event_id] = state
        if len(self._retry_states) > MAX_RETRY_STATES:
            self._retry_states.popitem(last=False)
        metrics.EVENTS_HANDLED.labels(listener.name, outcome).inc()
        log.info(f"event.{outcome}", error=repr(error), retry_in_seconds=delay)
        await message.nak(delay=delay)

    async def _dead_letter(
        self, message: Msg, listener: Listener, *, cause: str, attempts: int
    ) -> None:
        metrics.EVENTS_HANDLED.labels(listener.name, "dead_lettered").inc()
        log.error("event.dead_lettered", listener=listener.name, cause=cause, attempts=attempts)
        await publish_dead_letter(self._js, message, listener, cause=cause, attempts=attempts)
        self._retry_states.pop((message.headers or {}).get("ce-id", ""), None)
