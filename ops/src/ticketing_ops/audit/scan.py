"""One scan of the stores."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.errors import PyMongoError

from ticketing_common.events import utc_now
from ticketing_ops.audit.errors import StoreUnavailable
from ticketing_ops.audit.stores import Stores

Row = Mapping[str, Any]
KeyedRows = AsyncGenerator[tuple[str, Row], None]
"""Rows with the id that they are sorted by."""

BATCH = 500
"""Documents that are read at once, and findings that are scanned again at once."""


@dataclass
class Counter:
    """The number of documents, events and charges that were read, for the progress display."""

    rows: int = 0


@dataclass(frozen=True)
class Scan:
    """A scan of everything, or of the targets of earlier findings."""

    stores: Stores
    charges_since: datetime
    """How far back Stripe's charges are read."""
    grace: timedelta
    """How long a change may be in progress."""
    only: frozenset[str] | None = None
    """The targets of findings. None: everything."""
    counter: Counter = field(default_factory=Counter)

    @property
    def overdue(self) -> datetime:
        """The time before which a due change is late."""
        return utc_now() - self.grace

    async def rows(
        self,
        service: str,
        collection: str,
        *fields: str,
        by: str = "_id",
        where: Mapping[str, Any] | None = None,
        as_text: bool = False,
    ) -> KeyedRows:
        """Yield documents sorted by a field that contains ids, one batch at a time.

        With `as_text`, the collection's own ids are stored as text too.

        Raises:
            StoreUnavailable: The database is unavailable.
        """
        wanted: dict[str, Any] = dict(where or {})
        if self.only is not None:
            stored: list[ObjectId | str] = sorted(self.only)
            if not as_text:
                ids = filter(ObjectId.is_valid, sorted(self.only))
                stored = [ObjectId(target) if by == "_id" else target for target in ids]
            wanted = {"$and": [wanted, {by: {"$in": stored}}]}
        found = (
            self.stores.databases[service][collection]
            .find(wanted, [by, *fields])
            .sort(by, 1)
            .batch_size(BATCH)
        )
        try:
            async with found:
                async for row in found:
                    self.counter.rows += 1
                    yield str(value_at(row, by)), row
        except PyMongoError as error:
            raise StoreUnavailable(f"MongoDB of {service}", error) from error

    async def find(
        self,
        service: str,
        collection: str,
        by: str,
        values: Iterable[Any],
        *fields: str,
        where: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the documents with these values of a field. Raises StoreUnavailable."""
        wanted = {**(where or {}), by: {"$in": list(values)}}
        try:
            return (
                await self.stores.databases[service][collection]
                .find(wanted, [by, *fields])
                .to_list()
            )
        except PyMongoError as error:
            raise StoreUnavailable(f"MongoDB of {service}", error) from error


def value_at(row: Row, path: str) -> Any:
    """Return the value at a dotted path of a document, None if there is none."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


async def merge_join(
    left: KeyedRows, right: KeyedRows
) -> AsyncGenerator[tuple[str, list[Row], list[Row]], None]:
    """Yield each id of two sorted inputs with its rows on both sides.

    Memory holds the rows of one id of each side.
    """
    async with aclosing(_groups(left)) as lefts, aclosing(_groups(right)) as rights:
        left_group, right_group = await anext(lefts, None), await anext(rights, None)
        while left_group is not None or right_group is not None:
            groups = (left_group, right_group)
            key = min(group[0] for group in groups if group is not None)
            left_rows, right_rows = [], []
            if left_group is not None and left_group[0] == key:
                left_rows, left_group = left_group[1], await anext(lefts, None)
            if right_group is not None and right_group[0] == key:
                right_rows, right_group = right_group[1], await anext(rights, None)
            yield key, left_rows, right_rows


async def _groups(rows: KeyedRows) -> AsyncGenerator[tuple[str, list[Row]], None]:
    async with aclosing(rows):
        group: tuple[str, list[Row]] | None = None
        async for key, row in rows:
            if group is not None and group[0] == key:
                group[1].append(row)
                continue
            if group is not None:
                yield group
            group = (key, [row])
        if group is not None:
            yield group
