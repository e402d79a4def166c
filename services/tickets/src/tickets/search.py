"""Which tickets a list shows, and in which order."""

import re
from decimal import Decimal
from typing import Any

from bson import Decimal128

from ticketing_common.web.pagination import Cursor, InvalidCursor
from tickets.models import Ticket, words_of
from tickets.schemas import Sort

SORTED_BY = {Sort.NEWEST: ("_id", -1), Sort.CHEAPEST: ("price", 1), Sort.DEAREST: ("price", -1)}
SHOWN = ["title", "price", "user_id", "order_id", "version"]


async def find(
    *, seller: str | None, q: str | None, sort: Sort, after: Cursor | None, limit: int
) -> list[dict[str, Any]]:
    """Up to `limit` rows after the cursor: a seller's own tickets, or all that nobody holds.

    `q` finds the tickets whose titles have, for each of its words, a word that begins with it.
    Raises InvalidCursor for a cursor of another list.
    """
    field, direction = SORTED_BY[sort]
    wanted: list[dict[str, Any]] = [
        {"user_id": seller} if seller is not None else {"order_id": None},
        *({"words": {"$regex": f"^{re.escape(word)}"}} for word in words_of(q or "")),
    ]
    if after is not None:
        wanted.append(_beyond(after, field, "$gt" if direction == 1 else "$lt"))
    found = (
        Ticket.get_pymongo_collection()
        .find({"$and": wanted}, SHOWN)
        .sort({field: direction, "_id": direction})
        .limit(limit)
    )
    return await found.to_list()


def _beyond(cursor: Cursor, field: str, beyond: str) -> dict[str, Any]:
    if field == "_id":
        return {"_id": {beyond: cursor.id}}
    try:
        price = Decimal128(Decimal(cursor.value))
    except (ArithmeticError, ValueError):  # no number, or one beyond what MongoDB holds
        raise InvalidCursor from None
    return {"$or": [{field: {beyond: price}}, {field: price, "_id": {beyond: cursor.id}}]}
