"""Parked events: acknowledged domain events that the service will handle later.

An event that waits for an earlier one must not occupy one of its consumer's deliveries. It is
stored here instead, and handled when the earlier one has been.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from ticketing_common.events import Envelope, utc_now
from ticketing_common.persistence.database import database
from ticketing_common.persistence.lease import claim_due

COLLECTION = "parked_events"
INDEXES = [
    # No `_id` at its end: the embedded server misses the bound of a range on an inner field.
    IndexModel([("waits_for", 1), ("after_version", 1)]),
    IndexModel([("is_triggered", 1), ("next_attempt_at", 1)]),
    IndexModel("parked_at"),
    IndexModel("delete_at", expireAfterSeconds=0),
]


@dataclass
class ParkedEvent:
    """One parked event."""

    id: str
    """The event's id, so it is parked once."""
    subject: str
    body: bytes
    headers: Mapping[str, str]
    stream: str
    sequence: int
    """The place of the message in its stream."""
    aggregate_id: str
    version: int
    waits_for: str | None
    """The aggregate that must first reach `after_version`. None: only time must pass."""
    after_version: int
    reason: str
    parked_at: datetime
    next_attempt_at: datetime
    waiting_since: datetime | None
    """The start of the wait for an earlier event; None after a failure."""
    tried_at: datetime
    failures: int = 0
    waits: int = 0
    delete_at: datetime | None = None
    """When its `max_age` has passed. None: it is kept until it is handled or a dead letter."""

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.subject, self.body, dict(self.headers))

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        # A newer release may have stored more fields.
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        return cls(id=row["_id"], **known)


def rows() -> AsyncCollection[dict[str, Any]]:
    """Return the collection of parked events."""
    return database()[COLLECTION]


async def insert(event: ParkedEvent) -> None:
    """Store an event, unless it is parked already."""
    row = asdict(event) | {"is_triggered": event.waits_for is not None}
    row["_id"] = row.pop("id")
    if event.delete_at is None:
        del row["delete_at"]
    with suppress(DuplicateKeyError):
        await rows().insert_one(row)


async def postpone(
    event: ParkedEvent, waits_for: str | None, next_attempt_at: datetime, **fields: Any
) -> None:
    """Set when a parked event is tried again, unless another process has removed it."""
    fields |= {
        "waits_for": waits_for,
        "is_triggered": waits_for is not None,
        "next_attempt_at": min(next_attempt_at, event.delete_at or next_attempt_at),
    }
    await rows().update_one({"_id": event.id}, {"$set": fields})


async def delete(event_id: str) -> bool:
    """Remove an event. Returns False if another process has removed it."""
    return (await rows().delete_one({"_id": event_id})).deleted_count > 0


async def waiting_for(aggregate_id: str, version: int, limit: int) -> list[ParkedEvent]:
    """Return the first events that wait for an aggregate to reach at most this version."""
    wanted = {"waits_for": aggregate_id, "after_version": {"$lte": version}}
    found = rows().find(wanted).sort("after_version", 1).limit(limit)
    return [ParkedEvent.of(row) async for row in found]


async def claim(lease: timedelta, *, triggered: bool) -> ParkedEvent | None:
    """Claim the event that has been due for longest, of those that another event triggers or not.

    Returns None if nothing is due.
    """
    where = {"is_triggered": triggered}
    row = await claim_due(rows(), "next_attempt_at", lease, where=where)
    return ParkedEvent.of(row) if row is not None else None


async def count() -> int:
    """Return the number of parked events, from the collection's metadata."""
    return await rows().estimated_document_count()


async def oldest_age() -> timedelta:
    """Return how long the oldest parked event has waited, zero if there is none."""
    row = await rows().find_one({}, {"parked_at": 1}, sort=[("parked_at", 1)])
    return max(utc_now() - row["parked_at"], timedelta(0)) if row is not None else timedelta(0)
