"""What a service has done: its documents, its timers, and what it has said."""

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

BOOKKEEPING = {"inbox", "outbox", "answers", "checkpoints"}
"""Collections that are means, and no effect."""
BUSY: Mapping[str, set[str]] = {
    "mails": {"attempts", "next_attempt_at", "error", "state"},
    "payments": {"next_poll_at", "polls"},
}
"""By collection, fields that change by themselves: somebody tries to reach the world outside."""
OWN: Mapping[str, Mapping[str, set[str]]] = {
    "tickets": {"tickets": {"version"}, "holds": {"changed_at"}},
    "orders": {"orders": {"version"}},
    "contact": {"mails": {"_id", "queued_at"}},
}
"""By service and collection, what another run of the same events may give otherwise: ids and times
of our own making, and how many versions a document took to get where it is."""


async def documents(environment: TestEnvironment) -> Rows:
    """All the effects in a service's database."""
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        database = client.get_default_database()
        names = {*await database.list_collection_names()} - BOOKKEEPING
        found = {name: await database[name].find().sort("_id").to_list() for name in names}
    return {
        name: [_without(row, BUSY.get(name, set())) for row in rows]
        for name, rows in found.items()
        if rows
    }


async def timers(environment: TestEnvironment) -> dict[str, float]:
    """Which order's time ends when."""
    async with Redis.from_url(environment.redis_url, decode_responses=True) as redis:
        return dict(await redis.zrange("arq:queue", 0, -1, withscores=True))


async def said(bus: Bus, service: str) -> list[tuple[str, bytes]]:
    """What a service has told the others."""
    async with aclosing(read_streams(bus.js, subjects_by_stream(EVENTS))) as messages:
        return [
            (message.subject, message.body)
            async for message in messages
            if message.headers.get("ce-source") == f"/{service}"
        ]


async def effects(environment: TestEnvironment, bus: Bus, service: str) -> tuple[Any, ...]:
    """Everything a service has done, once all that it has to say is said."""
    if service != "expiration":
        await eventually(lambda: _all_is_said(environment))
    return await documents(environment), await timers(environment), await said(bus, service)


async def outcome(environment: TestEnvironment, service: str) -> tuple[Any, ...]:
    """Where a service has got to, in a form that another run can be compared with."""
    own = OWN.get(service, {})
    rows = {
        name: sorted((_without(row, own.get(name, set())) for row in rows), key=repr)
        for name, rows in (await documents(environment)).items()
    }
    return rows, await timers(environment)


async def _all_is_said(environment: TestEnvironment) -> bool:
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        return await client.get_default_database()["outbox"].count_documents({}) == 0


def _without(row: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in fields}
