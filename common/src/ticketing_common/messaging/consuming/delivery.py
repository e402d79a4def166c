"""One attempt to handle a domain event. The handler's outcome alone decides how it ends."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import structlog
from nats.js import JetStreamContext

from ticketing_common.backoff import Backoff
from ticketing_common.errors import Unavailable
from ticketing_common.events import DomainEvent, Envelope, InvalidMessage, utc_now
from ticketing_common.messaging.consuming.dead_letters import publish_dead_letter
from ticketing_common.messaging.listeners import Listener, Listeners, Outcome, Reject, RetryLater
from ticketing_common.messaging.replay import REPLAY_HEADER
from ticketing_common.messaging.streams import ACK_WAIT_SECONDS
from ticketing_common.observability import metrics, tracing

log = structlog.get_logger(__name__)

MAX_FAILURES = 8
"""Failures that make an event a dead letter. Their delays add up to half a minute."""
MAX_WAIT = timedelta(days=1)
"""How long an out-of-order event waits for the event that must come first."""
HANDLER_TIMEOUT_SECONDS = ACK_WAIT_SECONDS / 2

OUT_OF_ORDER_BACKOFF = Backoff(0.05, 30)
UNAVAILABLE_BACKOFF = Backoff(0.2, 30)
FAILURE_BACKOFF = Backoff(0.25, 30)


@dataclass
class RetryState:
    """The earlier attempts to handle one event, as far as they are known."""

    failures: int = 0
    waits: int = 0
    waiting_since: datetime | None = None
    """The start of the current wait for an earlier event. Unavailable stores restart it."""

    @property
    def attempts(self) -> int:
        return self.failures + self.waits


@dataclass
class Delivery(ABC):
    """An event that is to be handled now: a message of the broker or a parked event."""

    listener: Listener
    envelope: Envelope
    """With the event's own subject."""
    js: JetStreamContext
    stream: str
    sequence: int
    """The place of its message in its stream."""
    state: RetryState

    @cached_property
    def event(self) -> DomainEvent:
        """The decoded event. Raises: InvalidMessage."""
        return self.envelope.decode(self.listener.event)

    @property
    def is_parked(self) -> bool:
        """Whether the event is parked, so that its handler's transaction must remove it."""
        return False

    async def run(self, listeners: Listeners) -> None:
        """Run the handler once, and settle the event according to the outcome."""
        name, event_id = self.listener.name, self.envelope.id
        with (
            tracing.span(name, self.envelope.headers),
            structlog.contextvars.bound_contextvars(listener=name, event_id=event_id),
        ):
            await self._run(listeners)

    async def _run(self, listeners: Listeners) -> None:
        state = self.state
        try:
            async with asyncio.timeout(HANDLER_TIMEOUT_SECONDS):
                outcome = await listeners.handle(
                    self.event,
                    self.envelope.id,
                    replay=REPLAY_HEADER in self.envelope.headers,
                    parked=self.is_parked,
                )
        except RetryLater as error:
            now = utc_now()
            state.waits += 1
            state.waiting_since = state.waiting_since or now
            if now - state.waiting_since > MAX_WAIT:
                await self.give_up(str(error), attempts=state.waits)
                return
            self._count("out_of_order", error)
            await self._wait(error)
        except Unavailable as error:
            state.waits += 1
            state.waiting_since = None  # the awaited event could not be handled either
            self._count("unavailable", error)
            await self._retry(error, UNAVAILABLE_BACKOFF.delay(state.attempts))
        except (Reject, InvalidMessage) as error:
            await self.give_up(str(error), attempts=state.failures + 1)
        except Exception as error:
            state.failures += 1
            if state.failures >= MAX_FAILURES:
                log.exception("event.failed")
                await self.give_up(repr(error), attempts=state.failures)
                return
            self._count("failed", error)
            await self._retry_failed(error, FAILURE_BACKOFF.delay(state.attempts))
        else:
            metrics.EVENTS_HANDLED.labels(self.listener.name, outcome.value).inc()
            await self._handled(outcome)

    def _count(self, outcome: str, error: Exception) -> None:
        metrics.EVENTS_HANDLED.labels(self.listener.name, outcome).inc()
        log.info(f"event.{outcome}", error=repr(error), attempts=self.state.attempts)

    async def give_up(self, cause: str, *, attempts: int) -> None:
        """Make the event a dead letter. Raises: NatsError; it is then tried again."""
        metrics.EVENTS_HANDLED.labels(self.listener.name, "dead_lettered").inc()
        log.error(
            "event.dead_lettered", listener=self.listener.name, cause=cause, attempts=attempts
        )
        await publish_dead_letter(
            self.js,
            self.envelope,
            self.listener,
            stream=self.stream,
            sequence=self.sequence,
            cause=cause,
            attempts=attempts,
        )
        await self._end()

    @abstractmethod
    async def _handled(self, outcome: Outcome) -> None:
        """End the delivery of an event that is handled."""

    @abstractmethod
    async def _wait(self, error: RetryLater) -> None:
        """Try the event again when the event that it waits for is handled."""

    @abstractmethod
    async def _retry(self, error: Exception, delay: float) -> None:
        """Try the event again after some seconds: a store is unavailable."""

    @abstractmethod
    async def _retry_failed(self, error: Exception, delay: float) -> None:
        """Try the event again after some seconds: its handler failed."""

    @abstractmethod
    async def _end(self) -> None:
        """End the delivery of an event that is a dead letter now."""
