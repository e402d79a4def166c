"""The JSON of a stored ticket. It is that of `TicketResponse`."""

from typing import Any

from ticketing_common.web.rendering import (
    render_id,
    render_object_id,
    render_price,
    render_text,
    render_version,
)


def render_ticket(row: dict[str, Any]) -> str:
    """Return a ticket as JSON. Raises: NotRenderable, KeyError, TypeError."""
    order_id = row.get("order_id")
    return (
        f'{{"id":{render_object_id(row["_id"])},"title":{render_text(row["title"])},'
        f'"price":{render_price(row["price"])},"userId":{render_id(row["user_id"])},'
        f'"orderId":{"null" if order_id is None else render_id(order_id)},'
        f'"version":{render_version(row["version"])}}}'
    )
