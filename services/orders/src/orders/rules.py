"""Rules that routes and event handlers share."""

from orders.models import Order
from ticketing_common.events import CancelReason, OrderCancelled
from ticketing_common.persistence import outbox


async def cancel_order(order: Order, reason: CancelReason) -> None:
    """Cancel the order, release its ticket and publish the reason."""
    await order.cancel(reason)
    await outbox.add(OrderCancelled.of(order, reason=reason))
