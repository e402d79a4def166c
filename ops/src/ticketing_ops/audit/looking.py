"""Looking twice: what heals within a moment was only on its way."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.errors import PyMongoError

from ticketing_common.events import utc_now
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.stores import Stores

Row = Mapping[str, Any]
Keyed = AsyncGenerator[tuple[str, Row], None]

AT_ONCE = 500
"""Suspects that are kept in mind, documents that are asked for at once."""
MOST = 1000
"""Findings of one check: whoever has that many has one cause, and is told so."""


@dataclass
class Count:
    """How much was looked at, for whoever waits."""

    rows: int = 0


@dataclass(frozen=True)
class Look:
    """One look at the stores: at everything, or again at what a check has found."""

    stores: Stores
    since: datetime
    """How far back Stripe's record is read."""
    grace: timedelta
    """How long something may be on its way."""
    only: frozenset[str] | None = None
    """What findings were about. None: everything."""
    count: Count = field(default_factory=Count)

    @property
    def overdue(self) -> datetime:
        """What was due before this is late by more than the grace."""
        return utc_now() - self.grace

    async def rows(
        self,
        service: str,
        collection: str,
        *fields: str,
        by: str = "_id",
        where: Mapping[str, Any] | None = None,
    ) -> Keyed:
        """Documents in the order of a field that holds ids, each with that id as text.

        Streamed, so that memory holds a batch of them. Raises Away.
        """
        wanted: dict[str, Any] = dict(where or {})
        if self.only is not None:
            ids = sorted(filter(ObjectId.is_valid, self.only))
            wanted = {"$and": [wanted, {by: {"$in": [_stored(by, one) for one in ids]}}]}
        found = (
            self.stores.databases[service][collection]
            .find(wanted, [by, *fields])
            .sort(by, 1)
            .batch_size(AT_ONCE)
        )
        try:
            async with found:
                async for row in found:
                    self.count.rows += 1
                    yield str(value_at(row, by)), row
        except PyMongoError as error:
            raise Away(f"MongoDB of {service}", error) from error

    async def found(
        self, service: str, collection: str, by: str, ids: Iterable[Any], *fields: str
    ) -> list[dict[str, Any]]:
        """The documents of some ids, as many as are asked for at once. Raises Away."""
        try:
            return (
                await self.stores.databases[service][collection]
                .find({by: {"$in": list(ids)}}, [by, *fields])
                .to_list()
            )
        except PyMongoError as error:
            raise Away(f"MongoDB of {service}", error) from error


Find = Callable[[Look], AsyncGenerator[Finding, None]]


@dataclass(frozen=True)
class Check:
    """A way to look for some kinds of trouble."""

    name: str
    find: Find


@dataclass(frozen=True)
class Verdict:
    """What a check has found to last."""

    check: Check
    findings: list[Finding]
    is_whole: bool = True
    """False where there was so much that it looked no further."""


Wait = Callable[[timedelta], Awaitable[None]]


async def wait(grace: timedelta) -> None:
    await asyncio.sleep(grace.total_seconds())


async def lasting(check: Check, look: Look, wait: Wait = wait) -> Verdict:
    """Look at everything; then, after the grace, again at what looked wrong. Raises Away."""
    found: list[Finding] = []
    suspects: dict[tuple[object, ...], Finding] = {}
    async with aclosing(check.find(look)) as seen:
        async for finding in seen:
            suspects[finding.identity] = finding
            if len(suspects) >= AT_ONCE:
                found += await _still_there(check, look, suspects, wait)
                suspects = {}
                if len(found) >= MOST:
                    return Verdict(check, found[:MOST], is_whole=False)
    if suspects:
        found += await _still_there(check, look, suspects, wait)
    return Verdict(check, found)


async def _still_there(
    check: Check, look: Look, suspects: Mapping[tuple[object, ...], Finding], wait: Wait
) -> list[Finding]:
    await wait(look.grace)
    again = replace(look, only=frozenset(finding.about for finding in suspects.values()))
    return [finding async for finding in check.find(again) if finding.identity in suspects]


def value_at(row: Row, path: str) -> Any:
    """What stands at `a.b` of a document, None where nothing does."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _stored(field_name: str, text: str) -> str | ObjectId:
    return ObjectId(text) if field_name == "_id" else text
