"""What payments does when it hears an event."""

from beanie import PydanticObjectId

from payments.domain import rules
from payments.domain.documents import Order
from ticketing_common.events import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderOverdue,
    UserChangedPassword,
)
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.web.sessions import end_earlier_sessions

listeners = Listeners("payments")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(OrderCreated, copy=Order)
async def copy_new_order(event: OrderCreated) -> None:
    """Begin our copy of an order."""
    await Order(
        id=PydanticObjectId(event.id),
        user_id=event.user_id,
        status=event.status,
        expires_at=event.expires_at,
        price=event.ticket.price,
        title=event.ticket.title,
        ticket_id=event.ticket.id,
    ).insert()


async def copy_status(event: OrderAwaitingPayment | OrderCompleted, order: Order) -> None:
    """Keep our copy of the order current."""
    order.status = event.status
    await order.save()


listeners.on(OrderAwaitingPayment, copy=Order)(copy_status)
listeners.on(OrderCompleted, copy=Order)(copy_status)


@listeners.on(OrderOverdue, copy=Order)
async def end_the_time(event: OrderOverdue, order: Order) -> None:
    """Take no other payment for the order, and say if there is none to wait for."""
    await rules.close(order)
    await order.save()


@listeners.on(OrderCancelled, copy=Order)
async def end_payments(event: OrderCancelled, order: Order) -> None:
    """Stop what is under way for the order, give back what was paid for it."""
    order.status, order.cancelled_because = event.status, event.reason
    await order.save()
    await rules.end_with(order, event.reason)
