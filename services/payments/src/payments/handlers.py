"""Event handlers of payments: they keep a copy of each order."""

from typing import Any

from payments.domain import order_end
from payments.domain.documents import Order
from ticketing_common.events import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderOverdue,
)
from ticketing_common.messaging.listeners import Listeners

listeners = Listeners("payments")


@listeners.follow(OrderCreated, copy=Order)
def copy_order(event: OrderCreated) -> dict[str, Any]:
    """Copy an order."""
    return {
        "user_id": event.user_id,
        "status": event.status,
        "expires_at": event.expires_at,
        "price": event.ticket.price,
        "title": event.ticket.title,
        "ticket_id": event.ticket.id,
    }


@listeners.follow(OrderAwaitingPayment, OrderCompleted, copy=Order)
def copy_order_status(event: OrderAwaitingPayment | OrderCompleted) -> dict[str, Any]:
    """Copy the status of an order."""
    return {"status": event.status}


@listeners.on(OrderOverdue, copy=Order)
async def close_order(event: OrderOverdue, order: Order) -> None:
    """Refuse further payments for the order, and report if none is in progress."""
    order.overdue = True
    await order_end.publish_if_missed(order)
    await order.save()


@listeners.on(OrderCancelled, copy=Order)
async def cancel_payments(event: OrderCancelled, order: Order) -> None:
    """Cancel the order's payments that are in progress, and refund its charge."""
    order.status, order.cancel_reason = event.status, event.reason
    await order_end.refund_or_cancel(order, event.reason)
    await order.save()
