"""Search and sorting of the ticket list."""

import re
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from ticketing_common.text import begins_words, split_words
from ticketing_common.web.pagination import Cursor, InvalidCursor
from tickets.models import MAX_TERM_LENGTH, Ticket
from tickets.ranges import Row, read_range
from tickets.schemas import Sort

SORT_ORDERS = {
    Sort.NEWEST: ("_id", -1),
    Sort.PRICE_ASCENDING: ("price", 1),
    Sort.PRICE_DESCENDING: ("price", -1),
}
"""Field and direction of each sort order."""
FIELDS = ["title", "price", "user_id", "order_id", "reserved_until", "sold_at", "version"]
MAX_EXAMINED = 2000
"""The most tickets that a search reads."""
CHUNK = 200


@dataclass(frozen=True)
class Found:
    """The rows of a page."""

    rows: list[Row]
    is_complete: bool = True
    """Whether no further ticket can match. If not, the search needs more words."""


async def find_tickets(
    *, seller_id: str | None, query: str | None, sort: Sort, cursor: Cursor | None, limit: int
) -> Found:
    """Return up to `limit` rows: the seller's own tickets, or without a seller those for sale.

    A ticket matches if its title has, for each word of the query, a word that begins with it. No
    ticket matches a query without a word, such as `.*`, and all match one of spaces only.
    Raises: InvalidCursor if the cursor is from a list with another sort order.
    """
    field, direction = SORT_ORDERS[sort]
    after = _position(cursor, field) if cursor is not None else None
    owned = {"order_id": None} if seller_id is None else {"user_id": seller_id}
    if query is None or not query.strip():
        return Found(await _read(owned, sort, after, limit))
    wanted = list(dict.fromkeys(split_words(query)))
    if not wanted:
        return Found([])
    if seller_id is not None:
        return await _search(owned, sort, after, wanted, limit)
    longest = max(wanted, key=len)
    where = owned | {"search_terms": longest[:MAX_TERM_LENGTH]}
    others = wanted if len(longest) > MAX_TERM_LENGTH else [w for w in wanted if w != longest]
    if field == "_id":
        return await _search(where, sort, after, others, limit)
    # The index of search terms has the order of the ids, so the newest matches are sorted here.
    found = await _search(where, Sort.NEWEST, None, others, MAX_EXAMINED + 1)
    rows = [row for row in found.rows if isinstance(row.get(field), int | float)]
    rows.sort(key=lambda row: (row[field], row["_id"]), reverse=direction == -1)
    if after is not None:
        rows = [row for row in rows if _is_after((row[field], row["_id"]), after, direction)]
    return Found(rows[:limit], found.is_complete)


Position = tuple[Any, ObjectId]


def _position(cursor: Cursor, field: str) -> Position:
    if field == "_id":
        return cursor.id, cursor.id
    # A fraction is from a row that was put into the store by hand. The list continues after it.
    if not re.fullmatch("[0-9]{1,9}([.][0-9]{1,9})?", cursor.value):
        raise InvalidCursor
    return (float if "." in cursor.value else int)(cursor.value), cursor.id


def _is_after(position: Position, after: Position, direction: int) -> bool:
    return position > after if direction == 1 else position < after


async def _read(where: dict[str, Any], sort: Sort, after: Position | None, limit: int) -> list[Row]:
    """Return the next rows in the sort order."""
    field, direction = SORT_ORDERS[sort]
    collection = Ticket.get_pymongo_collection()
    rows: list[Row] = []
    if after is not None and field != "_id":
        same = where | {field: after[0]}
        rows = await read_range(
            collection,
            same,
            "_id",
            direction,
            after=after[1],
            limit=limit,
            page=limit,
            projection=FIELDS,
        )
    if len(rows) < limit:
        rows += await read_range(
            collection,
            where,
            field,
            direction,
            after=None if after is None else after[0],
            limit=limit - len(rows),
            page=limit,
            projection=FIELDS,
        )
    return rows


async def _search(
    where: dict[str, Any], sort: Sort, after: Position | None, wanted: list[str], limit: int
) -> Found:
    """Return the next rows whose titles match, of the next `MAX_EXAMINED`."""
    field, _ = SORT_ORDERS[sort]
    rows: list[Row] = []
    examined = 0
    while examined < MAX_EXAMINED:
        size = min(CHUNK if wanted else limit, MAX_EXAMINED - examined)
        chunk = await _read(where, sort, after, size)
        for row in chunk:
            if begins_words(wanted, str(row.get("title", ""))):
                rows.append(row)
                if len(rows) == limit:
                    return Found(rows)
        if len(chunk) < size:
            return Found(rows)
        examined += size
        after = chunk[-1][field], chunk[-1]["_id"]
    return Found(rows, is_complete=False)
