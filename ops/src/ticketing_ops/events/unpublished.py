"""Domain events that are committed and not published: the rows of the services' outboxes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from ticketing_common.events import utc_now
from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_ops.connections import DatabaseConnections
from ticketing_ops.errors import CommandError

CONNECT_SECONDS = 5
FIELDS = ("subject", "aggregate_id", "created_at", "attempts", "next_attempt_at", "last_error")
"""Not the body, which may have a secret."""


@dataclass(frozen=True)
class Unpublished:
    """A domain event that waits in a service's outbox."""

    service: str
    event_id: str
    subject: str
    document: str
    committed_at: datetime
    attempts: int
    """How often the broker refused it. 0: it waits for an earlier event of its document."""
    next_attempt_at: datetime | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {
            "service": self.service,
            "event": self.event_id,
            "subject": self.subject,
            "document": self.document,
            "committedAt": self.committed_at.isoformat(timespec="seconds"),
            "ageSeconds": round((utc_now() - self.committed_at).total_seconds()),
            "attempts": self.attempts,
            "nextAttemptAt": (
                self.next_attempt_at.isoformat(timespec="seconds") if self.next_attempt_at else None
            ),
            "error": self.error,
        }


async def set_aside(connections: DatabaseConnections, limit: int) -> list[Unpublished]:
    """Return the events that are set aside, of each service the first `limit`, oldest first.

    Raises: CommandError if a database is unavailable.
    """
    found = []
    for service in SERVICES_WITH_DATABASE:
        try:
            rows = await _rows(connections.mongo_uri(service), limit)
        except PyMongoError as error:
            raise CommandError(f"MongoDB of {service} is unavailable: {error}") from None
        found += [_unpublished(service, row) for row in rows]
    return found


async def _rows(uri: str, limit: int) -> list[dict[str, Any]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        uri,
        tz_aware=True,
        appname="ticketing-events",
        readConcernLevel="majority",
        timeoutMS=2 * CONNECT_SECONDS * 1000,
        serverSelectionTimeoutMS=CONNECT_SECONDS * 1000,
    )
    async with client:
        outbox = client.get_default_database()["outbox"]
        cursor = outbox.find({"set_aside_at": {"$exists": True}}, FIELDS)
        return await cursor.sort("_id", 1).limit(limit).to_list()


def _unpublished(service: str, row: dict[str, Any]) -> Unpublished:
    return Unpublished(
        service,
        str(row["_id"]),
        row.get("subject", "?"),
        row.get("aggregate_id", "?"),
        row["created_at"],
        row.get("attempts", 0),
        row.get("next_attempt_at"),
        row.get("last_error"),
    )
