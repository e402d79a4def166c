"""The JSON of a stored order. It is that of `OrderResponse`."""

from typing import Any

from ticketing_common.events import CancelReason, OrderStatus
from ticketing_common.web.rendering import (
    NotRenderable,
    render_id,
    render_object_id,
    render_price,
    render_text,
    render_time,
    render_version,
)

_STATUSES = frozenset(OrderStatus)
_REASONS = frozenset(CancelReason)


def render_order(row: dict[str, Any]) -> str:
    """Return an order as JSON. Raises: NotRenderable, KeyError, TypeError."""
    status, reason, ticket = row["status"], row.get("reason"), row["ticket"]
    if status not in _STATUSES or (reason is not None and reason not in _REASONS):
        raise NotRenderable(f"unknown status or reason: {status!r}, {reason!r}")
    return (
        f'{{"id":{render_object_id(row["_id"])},"status":"{status}",'
        f'"userId":{render_id(row["user_id"])},"expiresAt":{render_time(row["expires_at"])},'
        f'"version":{render_version(row["version"])},'
        f'"ticket":{{"id":{render_id(ticket["id"])},"title":{render_text(ticket["title"])},'
        f'"price":{render_price(ticket["price"])},'
        f'"version":{_render_ordered_version(ticket)}}},'
        f'"reason":{"null" if reason is None else render_text(reason)}}}'
    )


def _render_ordered_version(ticket: dict[str, Any]) -> str:
    version = ticket.get("version")
    return "null" if version is None else render_version(version)
