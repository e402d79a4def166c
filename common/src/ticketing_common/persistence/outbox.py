"""Transactional outbox: domain events that are published if, and only if, their change commits."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from ticketing_common.events import DomainEvent, Envelope, VersionedEvent, utc_now
from ticketing_common.observability import tracing
from ticketing_common.persistence import database
from ticketing_common.persistence.transaction import notify_after_commit

INDEXES = [
    IndexModel([("aggregate_id", 1), ("aggregate_version", 1), ("_id", 1)]),
    IndexModel([("next_attempt_at", 1)]),
    IndexModel([("set_aside_at", 1)], sparse=True),
]
SWEEP_AGE = timedelta(seconds=2)
"""For this time, a row is left to the process that committed it."""
MAX_ROWS_READ = 500
"""Rows that one `find` returns."""
MAX_COUNTED = 10_000
ERROR_LENGTH = 500

_COMMITTED = "outbox"
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Row:
    """A committed domain event that is not yet published."""

    document: dict[str, Any]
    is_chained: bool = False
    """Whether each version of its aggregate has its own event, so that the version names the event
    before this one. Not known of a row that was read."""

    @property
    def id(self) -> ObjectId:
        return ObjectId(self.document["_id"])

    @property
    def aggregate_id(self) -> str:
        return str(self.document["aggregate_id"])

    @property
    def version(self) -> int:
        return int(self.document["aggregate_version"])

    @property
    def attempts(self) -> int:
        """How often the broker has refused it."""
        return int(self.document.get("attempts", 0))

    @property
    def subject(self) -> str:
        return str(self.document["subject"])

    @property
    def time(self) -> datetime:
        """When it was committed."""
        time: datetime = self.document["created_at"]
        return time

    @property
    def next_attempt_at(self) -> datetime:
        """The time from which any relay may publish it."""
        time: datetime = self.document["next_attempt_at"]
        return time

    @property
    def envelope(self) -> Envelope:
        return Envelope(self.subject, self.document["body"], self.document["headers"])

    def is_set_aside(self, now: datetime) -> bool:
        """Return whether it waits for another attempt, and so does its aggregate."""
        return self.attempts > 0 and self.next_attempt_at > now


@dataclass(frozen=True)
class SetAside:
    """The decision to publish a row later."""

    row_id: ObjectId
    next_attempt_at: datetime
    error: str | None = None
    """Why the broker refused the row; None if it waits for an earlier row of its aggregate."""


def rows() -> AsyncCollection[dict[str, Any]]:
    """Return the collection of committed, not yet published domain events, one row each."""
    # Majority reads: a deposed primary can show rows that are rolled back later.
    return database.database().get_collection("outbox", read_concern=ReadConcern("majority"))


async def add(event: DomainEvent) -> None:
    """Publish the event once the running transaction has committed."""
    row_id, now = ObjectId(), utc_now()
    envelope = Envelope.encode(event, id=str(row_id), time=now, trace=tracing.trace_headers())
    document = {
        "_id": row_id,
        "aggregate_id": event.aggregate_id,
        "aggregate_version": event.aggregate_version,
        "created_at": now,
        "next_attempt_at": now + SWEEP_AGE,
        "subject": envelope.subject,
        "headers": envelope.headers,
        "body": envelope.body,
    }
    is_chained = isinstance(event, VersionedEvent) and event.id == event.aggregate_id
    notify_after_commit(_COMMITTED, Row(document, is_chained))
    await rows().insert_one(document)


def on_commit(callback: Callable[[Row], None]) -> Callable[[], None]:
    """Call `callback` with each row that this process commits.

    Returns a function that unsubscribes.
    """
    return database.on_commit(_COMMITTED, callback)


async def pending(aggregate_ids: Collection[str]) -> dict[str, list[Row]]:
    """Return the rows of some aggregates by aggregate, in the order of its versions.

    Of an aggregate with more than `MAX_ROWS_READ` rows, it returns the first ones.
    """
    found: dict[str, list[Row]] = {}
    wanted = sorted(set(aggregate_ids))
    while wanted:
        cursor = rows().find({"aggregate_id": {"$in": wanted}})
        ordered = cursor.sort([("aggregate_id", 1), ("aggregate_version", 1), ("_id", 1)])
        documents = await ordered.limit(MAX_ROWS_READ).to_list()
        for document in documents:
            found.setdefault(document["aggregate_id"], []).append(Row(document))
        if len(documents) < MAX_ROWS_READ:
            break
        wanted = [each for each in wanted if each > documents[-1]["aggregate_id"]]
    return found


async def due(
    before: datetime, limit: int, *, except_subjects: Sequence[str] = (), fresh: bool = False
) -> dict[str, str]:
    """Return the aggregates of the `limit` rows that are due first, with a subject of each.

    A row is due `SWEEP_AGE` after its commit, or after its backoff. `fresh` leaves out rows that
    are set aside.
    """
    # Not `$lte`: it would leave out the rows of an earlier release, which lack the field.
    wanted: dict[str, Any] = {"next_attempt_at": {"$not": {"$gt": before}}}
    if except_subjects:
        wanted["subject"] = {"$nin": list(except_subjects)}
    if fresh:
        wanted["set_aside_at"] = None
    cursor = rows().find(wanted, {"aggregate_id": 1, "subject": 1})
    found: dict[str, str] = {}
    async for row in cursor.sort("next_attempt_at", 1).limit(limit):
        found.setdefault(row["aggregate_id"], row.get("subject", ""))
    return found


async def delete(published: Collection[ObjectId]) -> None:
    """Delete rows that the broker has acknowledged."""
    await rows().delete_many({"_id": {"$in": list(published)}})


async def set_aside(decisions: Sequence[SetAside]) -> None:
    """Record that rows are published later, and why."""
    now = utc_now()
    updates = []
    for decision in decisions:
        changes: dict[str, Any] = {
            "$set": {"next_attempt_at": decision.next_attempt_at},
            "$min": {"set_aside_at": now},
        }
        if decision.error is not None:
            changes["$set"]["last_error"] = decision.error[:ERROR_LENGTH]
            changes["$inc"] = {"attempts": 1}
        updates.append(UpdateOne({"_id": decision.row_id}, changes))
    await rows().bulk_write(updates, ordered=False)


async def count_set_aside() -> tuple[int, datetime | None]:
    """Return how many rows are set aside (at most `MAX_COUNTED`), and since when the first is."""
    oldest = await rows().find_one(
        {"set_aside_at": {"$gt": _EPOCH}}, {"set_aside_at": 1}, sort=[("set_aside_at", 1)]
    )
    if oldest is None:
        return 0, None
    wanted = {"set_aside_at": {"$gte": oldest["set_aside_at"]}}
    return await rows().count_documents(wanted, limit=MAX_COUNTED), oldest["set_aside_at"]
