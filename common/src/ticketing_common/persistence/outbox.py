"""Events that are told with the change that they tell of, or not at all."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from ticketing_common.events import DomainEvent, Envelope, utc_now
from ticketing_common.observability import telemetry
from ticketing_common.persistence.database import database
from ticketing_common.persistence.transaction import current_transaction

INDEXES = [IndexModel([("key", 1), ("position", 1), ("_id", 1)])]

_listeners: list[Callable[[str], None]] = []


def rows() -> AsyncCollection[dict[str, Any]]:
    """What is committed and not yet published, one row an event."""
    # What the majority has: a lone primary can show what is rolled back when it is found out.
    return database().get_collection("outbox", read_concern=ReadConcern("majority"))


async def add(event: DomainEvent) -> None:
    """Tell the event if, and as soon as, the transaction commits."""
    transaction = current_transaction()
    row_id, now = ObjectId(), utc_now()
    envelope = Envelope.seal(event, id=str(row_id), time=now, trace=telemetry.outgoing())
    await rows().insert_one(
        {
            "_id": row_id,
            "key": event.key,
            "position": event.position,
            "at": now,
            "subject": envelope.subject,
            "headers": envelope.headers,
            "body": envelope.body,
        }
    )
    transaction.after_commit.append(lambda: _announce(event.key))


def on_commit(listener: Callable[[str], None]) -> Callable[[], None]:
    """Have `listener` told the key of each event that this process commits; returns the undo."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def _announce(key: str) -> None:
    for listener in _listeners:
        listener(key)


async def pending(key: str) -> list[tuple[ObjectId, Envelope]]:
    """One key's rows, in the order of its document's versions."""
    found = rows().find({"key": key}).sort([("position", 1), ("_id", 1)])
    return [
        (row["_id"], Envelope(row["subject"], row["body"], row["headers"])) async for row in found
    ]


async def keys_waiting_since(time: datetime, limit: int) -> list[str]:
    """The keys of the oldest rows that were committed before `time`."""
    oldest = rows().find({"at": {"$lt": time}}, {"key": 1}).sort("_id", 1).limit(limit)
    return list(dict.fromkeys([row["key"] async for row in oldest]))


async def forget(published: list[ObjectId]) -> None:
    """Delete rows that the broker has acknowledged."""
    await rows().delete_many({"_id": {"$in": published}})
