"""Transactional outbox: domain events that are published if, and only if, their change commits."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from ticketing_common.events import DomainEvent, Envelope, utc_now
from ticketing_common.observability import tracing
from ticketing_common.persistence import database
from ticketing_common.persistence.transaction import notify_after_commit

INDEXES = [IndexModel([("aggregate_id", 1), ("aggregate_version", 1), ("_id", 1)])]

_COMMITTED = "outbox"


def rows() -> AsyncCollection[dict[str, Any]]:
    """Return the collection of committed, not yet published domain events, one row each."""
    # Majority reads: a deposed primary can show rows that are rolled back later.
    return database.database().get_collection("outbox", read_concern=ReadConcern("majority"))


async def add(event: DomainEvent) -> None:
    """Publish the event once the running transaction has committed."""
    row_id, now = ObjectId(), utc_now()
    envelope = Envelope.encode(event, id=str(row_id), time=now, trace=tracing.trace_headers())
    notify_after_commit(_COMMITTED, event.aggregate_id)
    await rows().insert_one(
        {
            "_id": row_id,
            "aggregate_id": event.aggregate_id,
            "aggregate_version": event.aggregate_version,
            "created_at": now,
            "subject": envelope.subject,
            "headers": envelope.headers,
            "body": envelope.body,
        }
    )


def on_commit(callback: Callable[[str], None]) -> Callable[[], None]:
    """Call `callback` with the aggregate id of each event that this process commits.

    Returns a function that unsubscribes.
    """
    return database.on_commit(_COMMITTED, callback)


async def pending(aggregate_id: str) -> list[tuple[ObjectId, Envelope]]:
    """Return the rows of one aggregate, in the order of its versions."""
    cursor = rows().find({"aggregate_id": aggregate_id})
    return [
        (row["_id"], Envelope(row["subject"], row["body"], row["headers"]))
        async for row in cursor.sort([("aggregate_version", 1), ("_id", 1)])
    ]


async def aggregates_pending_since(time: datetime, limit: int) -> list[str]:
    """Return the aggregate ids of the oldest rows that were added before `time`."""
    cursor = rows().find({"created_at": {"$lt": time}}, {"aggregate_id": 1}).sort("_id", 1)
    return list(dict.fromkeys([row["aggregate_id"] async for row in cursor.limit(limit)]))


async def delete(published: list[ObjectId]) -> None:
    """Delete rows that the broker has acknowledged."""
    await rows().delete_many({"_id": {"$in": published}})
