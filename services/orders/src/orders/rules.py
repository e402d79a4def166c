"""What routes and listeners both do."""

from orders.models import Order
from ticketing_common.events import CancelReason, OrderCancelled
from ticketing_common.persistence import outbox


async def cancel(order: Order, reason: CancelReason) -> None:
    """Cancel the order and tell why."""
    await order.cancel(reason)
    await outbox.add(OrderCancelled.of(order, reason=reason))
