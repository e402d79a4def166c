"""One attempt to handle a parked event, and the row of an event that is parked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ticketing_common.backoff import Backoff
from ticketing_common.events import utc_now
from ticketing_common.events.values import to_milliseconds
from ticketing_common.messaging.consuming.dead_letters import MAX_CAUSE_CHARACTERS
from ticketing_common.messaging.consuming.delivery import Delivery, RetryState
from ticketing_common.messaging.listeners import Outcome, RetryLater
from ticketing_common.persistence import parked_events
from ticketing_common.persistence.parked_events import ParkedEvent

if TYPE_CHECKING:
    from ticketing_common.messaging.consuming.parking import Parking

WAITING_BACKOFF = Backoff(1, 600)
"""Delays between the attempts of sweeps. The event that is waited for triggers one at once."""
UNSWEPT = timedelta(hours=2)
"""After this time without an attempt the service was down, and the wait starts again. A sweep of
MAX_PARKED events takes 1.4 hours."""


def parked_event(delivery: Delivery, error: Exception, published_at: datetime) -> ParkedEvent:
    """Return the row of an event that cannot be handled yet because of `error`."""
    awaited = error if isinstance(error, RetryLater) else RetryLater("")
    state, now, max_age = delivery.state, utc_now(), delivery.listener.event.max_age
    next_attempt_at = _next_attempt_at(awaited, waits=1)
    delete_at = to_milliseconds(published_at) + max_age if max_age is not None else None
    return ParkedEvent(
        id=delivery.envelope.id,
        subject=delivery.envelope.subject,
        body=delivery.envelope.body,
        headers=delivery.envelope.headers,
        stream=delivery.stream,
        sequence=delivery.sequence,
        aggregate_id=delivery.event.aggregate_id,
        version=delivery.event.aggregate_version,
        waits_for=awaited.waits_for,
        after_version=awaited.after_version,
        reason=_reason(error),
        parked_at=now,
        next_attempt_at=min(next_attempt_at, delete_at or next_attempt_at),
        waiting_since=state.waiting_since,
        tried_at=now,
        failures=state.failures,
        waits=state.waits,
        delete_at=delete_at,
    )


def _next_attempt_at(awaited: RetryLater, waits: int) -> datetime:
    """Return when to try again: with backoff, but not later than the time that is awaited."""
    at = utc_now() + timedelta(seconds=WAITING_BACKOFF.delay(waits))
    return min(at, awaited.until or at)


def retry_state(parked: ParkedEvent) -> RetryState:
    """Return the earlier attempts to handle a parked event."""
    was_down = utc_now() - parked.tried_at > UNSWEPT
    since = None if was_down else parked.waiting_since
    return RetryState(parked.failures, parked.waits, since)


@dataclass
class ParkedDelivery(Delivery):
    """A parked event that is to be handled now."""

    parking: "Parking"
    parked: ParkedEvent
    swept: bool
    is_blocked: bool = False

    @property
    def is_parked(self) -> bool:
        return True

    async def _handled(self, outcome: Outcome) -> None:
        if outcome == Outcome.DUPLICATE:  # the transaction that removed the row was aborted
            await parked_events.delete(self.parked.id)
        self.parking.handled(self.event)

    async def _wait(self, error: RetryLater) -> None:
        awaited = (error.waits_for, error.after_version)
        is_same = awaited == (self.parked.waits_for, self.parked.after_version)
        self.is_blocked = is_same
        if is_same and not self.swept:
            return
        await self._postpone(error, _next_attempt_at(error, self.state.waits), *awaited)
        if not is_same and error.waits_for is not None:
            self.parking.try_waiting(error.waits_for, error.after_version)

    async def _retry(self, error: Exception, delay: float) -> None:
        self.is_blocked = True
        parked = self.parked
        at = utc_now() + timedelta(seconds=delay)
        await self._postpone(error, at, parked.waits_for, parked.after_version)

    async def _retry_failed(self, error: Exception, delay: float) -> None:
        # It waits for no event any more, or each one would count as a failure.
        await self._postpone(error, utc_now() + timedelta(seconds=delay), None, 0)

    async def _postpone(
        self, error: Exception, until: datetime, waits_for: str | None, after_version: int
    ) -> None:
        parked, state = self.parked, self.state
        await parked_events.postpone(
            parked,
            waits_for,
            until,
            after_version=after_version,
            reason=_reason(error),
            waiting_since=state.waiting_since,
            tried_at=utc_now(),
            failures=state.failures,
            waits=state.waits,
        )

    async def _end(self) -> None:
        await parked_events.delete(self.parked.id)


def _reason(error: Exception) -> str:
    """Return why an event cannot be handled yet, in one line."""
    text = str(error) if isinstance(error, RetryLater) else repr(error)
    return " ".join(text.split())[:MAX_CAUSE_CHARACTERS]
