"""Tickets for a measurement, inserted into the stores directly."""

from datetime import UTC, datetime
from random import Random
from typing import Any

from bench.stack import Stack
from bson import ObjectId

from tickets.models import search_terms

WORDS = ("rock", "jazz", "opera", "festival", "derby", "ballet", "comedy", "musical")
BATCH = 5_000


def insert_tickets(stack: Stack, count: int, seller_id: str) -> list[str]:
    """Insert tickets for sale, with their copies. Returns their ids, the oldest first."""
    dice, now = Random(1), datetime.now(UTC)
    ids: list[str] = []
    while len(ids) < count:
        rows = [_ticket(dice, n, seller_id, now) for n in range(min(BATCH, count - len(ids)))]
        stack.database("tickets")["tickets"].insert_many(rows)
        copies = [
            {name: row[name] for name in ("_id", "version", "title", "price")} for row in rows
        ]
        stack.database("orders")["tickets"].insert_many(
            [{**row, "deleted": False} for row in copies]
        )
        stack.database("contact")["tickets"].insert_many(
            [{**row, "user_id": seller_id} for row in copies]
        )
        ids += [str(row["_id"]) for row in rows]
    return ids


def _ticket(dice: Random, number: int, seller_id: str, created_at: datetime) -> dict[str, Any]:
    title = " ".join([*dice.sample(WORDS, 2), f"number{number}"]).title()
    return {
        "_id": ObjectId(),
        "version": 0,
        "user_id": seller_id,
        "title": title,
        "price": dice.randint(500, 50_000),
        "order_id": None,
        "search_terms": search_terms(title),
        "created_at": created_at,
    }


def insert_bare_tickets(stack: Stack, count: int) -> list[str]:
    """Insert tickets for the bare handlers. Returns their ids."""
    dice, now = Random(1), datetime.now(UTC)
    rows = [_ticket(dice, number, "6" * 24, now) for number in range(count)]
    stack.database("tickets").client["bench"]["tickets"].insert_many(rows)
    return [str(row["_id"]) for row in rows]
