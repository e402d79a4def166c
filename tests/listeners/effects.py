"""The effects of events in a service: its documents, its timers and its published events."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from ticketing_common.events import EVENTS
from ticketing_ops.events.reading import read_streams
from ticketing_ops.events.subjects import subjects_by_stream
from ticketing_testing import Bus, TestEnvironment, eventually

Rows = dict[str, list[dict[str, Any]]]

INTERNAL_COLLECTIONS = {"inbox", "outbox", "parked_events", "idempotency_keys", "checkpoints"}
"""Collections that are no effect of an event."""
CHANGING_FIELDS: Mapping[str, set[str]] = {
    "mails": {"attempts", "next_attempt_at", "error", "state"},
    "payments": {"next_poll_at", "polls"},
}
"""By collection, fields that background work changes without an event."""
VARYING_FIELDS: Mapping[str, Mapping[str, set[str]]] = {
    "tickets": {"tickets": {"version"}, "holds": {"changed_at"}},
    "orders": {"orders": {"version"}},
    "contact": {"mails": {"_id", "queued_at"}},
}
"""By service and collection, fields that differ between two runs of the same events: generated ids,
times, and the number of versions."""


async def documents(environment: TestEnvironment) -> Rows:
    """Return the documents of a service that are effects of events."""
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        database = client.get_default_database()
        names = {*await database.list_collection_names()} - INTERNAL_COLLECTIONS
        found = {name: await database[name].find().sort("_id").to_list() for name in names}
    return {
        name: [_without(row, CHANGING_FIELDS.get(name, set())) for row in rows]
        for name, rows in found.items()
        if rows
    }


async def timers(environment: TestEnvironment) -> dict[str, float]:
    """Return the end of each order's time to pay."""
    async with Redis.from_url(environment.redis_url, decode_responses=True) as redis:
        return dict(await redis.zrange("arq:queue", 0, -1, withscores=True))


async def published(bus: Bus, service: str) -> list[tuple[str, bytes]]:
    """Return the events that a service has published."""
    async with aclosing(read_streams(bus.js, subjects_by_stream(EVENTS))) as messages:
        return [
            (message.subject, message.body)
            async for message in messages
            if message.headers.get("ce-source") == f"/{service}"
        ]


async def effects(environment: TestEnvironment, bus: Bus, service: str) -> tuple[Any, ...]:
    """Return all effects in a service, once its outbox is empty."""
    if service != "expiration":
        await eventually(lambda: _is_outbox_empty(environment))
    return await documents(environment), await timers(environment), await published(bus, service)


async def outcome(environment: TestEnvironment, service: str) -> tuple[Any, ...]:
    """Return a service's effects in a form that can be compared with another run."""
    own = VARYING_FIELDS.get(service, {})
    rows = {
        name: sorted((_without(row, own.get(name, set())) for row in rows), key=repr)
        for name, rows in (await documents(environment)).items()
    }
    return rows, await timers(environment)


async def _is_outbox_empty(environment: TestEnvironment) -> bool:
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        return await client.get_default_database()["outbox"].count_documents({}) == 0


def _without(row: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in fields}
