"""Event handlers of payments: they keep a copy of each order."""

from beanie import PydanticObjectId

from payments.domain import order_end
from payments.domain.documents import ORDER_COPIED, Order
from ticketing_common.events import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderOverdue,
    UserChangedPassword,
)
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.persistence.transaction import notify_after_commit
from ticketing_common.web.session_cutoffs import end_earlier_sessions

listeners = Listeners("payments")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(OrderCreated, copy=Order)
async def create_order_copy(event: OrderCreated) -> None:
    """Insert the copy of an order. A request to pay may wait for it."""
    notify_after_commit(ORDER_COPIED, event.id)
    await Order(
        id=PydanticObjectId(event.id),
        user_id=event.user_id,
        status=event.status,
        expires_at=event.expires_at,
        price=event.ticket.price,
        title=event.ticket.title,
        ticket_id=event.ticket.id,
    ).insert()


async def update_order_copy(event: OrderAwaitingPayment | OrderCompleted, order: Order) -> None:
    """Update the status of the copy."""
    order.status = event.status
    await order.save()


listeners.on(OrderAwaitingPayment, copy=Order)(update_order_copy)
listeners.on(OrderCompleted, copy=Order)(update_order_copy)


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
