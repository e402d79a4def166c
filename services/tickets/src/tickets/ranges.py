"""Reads of index ranges that are only as wide as a page needs.

A real mongod stops an ordered index scan at the limit. The embedded server reads all keys of the
range first, so a page among 100,000 tickets takes it a quarter of a second. This module learns
how wide the ranges of pages are and asks for that much: both servers then read a few hundred keys.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from ticketing_common.events import MAX_PRICE

Row = dict[str, Any]

MARGIN = 2
"""The first range is this many times as wide as the last page that was read."""
WIDER = 64
"""The second range is this many times as wide as the first one. The third has no end."""
MAX_LEARNED = 1024


@dataclass
class _Width:
    """The width of the latest pages of one kind."""

    span: int
    """The difference between the first and the last value of a page."""
    top: int | None = None
    """The first value of the first page."""


_learned: OrderedDict[tuple[object, ...], _Width] = OrderedDict()


async def read_range(
    collection: AsyncCollection[Row],
    where: dict[str, Any],
    field: str,
    direction: int,
    *,
    after: int | ObjectId | None,
    limit: int,
    page: int,
    projection: list[str],
) -> list[Row]:
    """Return the next rows in the order of an index on the fields of `where`, `field` and `_id`.

    `where` has values to be equal to, and `field` is `_id` or has integers. The rows begin after
    the value `after`, exclusively. `page` is the size of the whole page: other sizes have other
    widths.
    """
    kind = (collection.name, *where.items(), field, direction, page)
    start = None if after is None else _to_int(after)
    rows: list[Row] = []
    for low, high in _ranges(start, direction, _learned.get(kind)):
        condition = _condition(field, direction, low, high)
        found = collection.find({**where, **condition}, projection)
        ordered = found.sort({field: direction, "_id": direction}).limit(limit - len(rows))
        rows += await ordered.to_list()
        if len(rows) >= limit:
            _learn(kind, rows[0][field], rows[-1][field], first=after is None)
            break
    return rows


def _ranges(
    start: int | None, direction: int, width: _Width | None
) -> Iterator[tuple[int | None, int | None]]:
    """Yield neighbouring ranges, each from an exclusive to an inclusive value."""
    base = width.top if width is not None and start is None else start
    if width is not None and base is not None:
        step = max(1, width.span) * MARGIN
        for steps in (step, step * WIDER):
            end = base + direction * steps
            if end <= 0:
                break
            yield start, end
            start = end
    yield start, None


def _condition(field: str, direction: int, start: int | None, end: int | None) -> dict[str, Any]:
    after, until = ("$gt", "$lte") if direction == 1 else ("$lt", "$gte")
    if field == "price":  # leaves out rows with something else than a price
        start = (0 if direction == 1 else MAX_PRICE + 1) if start is None else start
        end = (MAX_PRICE if direction == 1 else 1) if end is None else end
    bounds = {after: start, until: end}
    found = {name: _from_int(field, value) for name, value in bounds.items() if value is not None}
    return {field: found} if found else {}


def _learn(kind: tuple[object, ...], top: object, last: object, *, first: bool) -> None:
    if not isinstance(top, int | ObjectId) or not isinstance(last, int | ObjectId):
        return  # a row that was put into the store by hand
    width = _learned.setdefault(kind, _Width(0))
    width.span = abs(_to_int(last) - _to_int(top))
    if first:
        width.top = _to_int(top)
    _learned.move_to_end(kind)
    if len(_learned) > MAX_LEARNED:
        _learned.popitem(last=False)


def _to_int(value: int | ObjectId) -> int:
    return int(str(value), 16) if isinstance(value, ObjectId) else value


def _from_int(field: str, value: int) -> int | ObjectId:
    return ObjectId(f"{min(value, 2**96 - 1):024x}") if field == "_id" else value
