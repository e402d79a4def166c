"""`ticketing events parked`: the events that services have parked."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from ticketing_common.persistence.parked_events import COLLECTION

TIMEOUT_SECONDS = 10
FIELDS = {
    "subject": "subject",
    "document": "aggregate_id",
    "version": "version",
    "waits_for": "waits_for",
    "after_version": "after_version",
    "parked": "parked_at",
    "next_attempt": "next_attempt_at",
    "waits": "waits",
    "failures": "failures",
    "reason": "reason",
}
"""The fields that are shown, each with its name in the store. The body may contain a secret."""


def parked_events(uris: Mapping[str, str], limit: int) -> Iterator[dict[str, Any]]:
    """Yield each service's oldest parked events, with their number. Raises: PyMongoError."""
    for service, uri in uris.items():
        client: MongoClient[dict[str, Any]] = MongoClient(
            uri, tz_aware=True, timeoutMS=TIMEOUT_SECONDS * 1000
        )
        with client:
            rows = client.get_default_database()[COLLECTION]
            found = rows.find({}, [*FIELDS.values()]).sort("parked_at", 1).limit(limit)
            events = [{"event": row["_id"], **_shown(row)} for row in found]
            yield {"service": service, "count": rows.estimated_document_count(), "events": events}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row.get(stored) for name, stored in FIELDS.items()}
    return {
        name: value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for name, value in shown.items()
    }
