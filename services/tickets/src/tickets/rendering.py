"""The JSON of a stored ticket. It is that of `TicketResponse`."""

from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from ticketing_common.events import utc_now
from ticketing_common.web.rendering import (
    render_id,
    render_object_id,
    render_price,
    render_text,
    render_time,
    render_version,
)

LONGEST_RESERVATION = timedelta(days=1)


def render_ticket(row: dict[str, Any]) -> str:
    """Return a ticket as JSON. Raises: NotRenderable, KeyError, TypeError."""
    order_id = row.get("order_id")
    return (
        f'{{"id":{render_object_id(row["_id"])},"title":{render_text(row["title"])},'
        f'"price":{render_price(row["price"])},"userId":{render_id(row["user_id"])},'
        f'"orderId":{"null" if order_id is None else render_id(order_id)},'
        f'"reservedUntil":{_render_optional_time(row.get("reserved_until"))},'
        f'"soldAt":{_render_optional_time(_sold_at(row))},'
        f'"version":{render_version(row["version"])}}}'
    )


def _render_optional_time(value: object) -> str:
    return "null" if value is None else render_time(value)


def _sold_at(row: dict[str, Any]) -> datetime | None:
    """Return when the ticket was sold. An earlier release did not store it: its order's time."""
    order_id, sold_at = row.get("order_id"), row.get("sold_at")
    if sold_at is not None or order_id is None or row.get("reserved_until") is not None:
        return sold_at
    ordered_at = ObjectId(order_id).generation_time
    return ordered_at if utc_now() - ordered_at > LONGEST_RESERVATION else None
