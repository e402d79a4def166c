"""Search and sorting of the ticket list."""

import re
from typing import Any

from ticketing_common.web.pagination import Cursor, InvalidCursor
from tickets.models import Ticket, search_terms
from tickets.schemas import Sort

SORT_ORDERS = {
    Sort.NEWEST: ("_id", -1),
    Sort.PRICE_ASCENDING: ("price", 1),
    Sort.PRICE_DESCENDING: ("price", -1),
}
"""Field and direction of each sort order."""
FIELDS = ["title", "price", "user_id", "order_id", "version"]


async def find_tickets(
    *, seller_id: str | None, query: str | None, sort: Sort, cursor: Cursor | None, limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` rows: the seller's own tickets, or without a seller those for sale.

    A ticket matches if its title has, for each word of the query, a word that begins with it.
    Raises: InvalidCursor if the cursor is from a list with another sort order.
    """
    field, direction = SORT_ORDERS[sort]
    conditions: list[dict[str, Any]] = [
        {"user_id": seller_id} if seller_id is not None else {"order_id": None},
        *(
            {"search_terms": {"$regex": f"^{re.escape(term)}"}}
            for term in search_terms(query or "")
        ),
    ]
    if cursor is not None:
        conditions.append(_after(cursor, field, "$gt" if direction == 1 else "$lt"))
    rows = (
        Ticket.get_pymongo_collection()
        .find({"$and": conditions}, FIELDS)
        .sort({field: direction, "_id": direction})
        .limit(limit)
    )
    return await rows.to_list()


def _after(cursor: Cursor, field: str, comparison: str) -> dict[str, Any]:
    """Return the condition for the rows after the cursor."""
    if field == "_id":
        return {"_id": {comparison: cursor.id}}
    if not re.fullmatch("[0-9]{1,9}", cursor.value):
        raise InvalidCursor
    price = int(cursor.value)
    return {"$or": [{field: {comparison: price}}, {field: price, "_id": {comparison: cursor.id}}]}
