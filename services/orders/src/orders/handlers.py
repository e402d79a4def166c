"""What orders does when it hears an event."""

from beanie import PydanticObjectId

from orders.models import Order, Reservation, Ticket
from orders.rules import cancel
from ticketing_common.events import (
    CancelReason,
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCompleted,
    OrderOverdue,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentStarted,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    utc_now,
)
from ticketing_common.messaging.listeners import Listeners, Reject, RetryLater
from ticketing_common.persistence import outbox
from ticketing_common.web.sessions import end_earlier_sessions

listeners = Listeners("orders")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(TicketCreated, copy=Ticket)
async def copy_new_ticket(event: TicketCreated) -> None:
    """Begin our copy of a ticket."""
    await Ticket(id=PydanticObjectId(event.id), title=event.title, price=event.price).insert()


@listeners.on(TicketUpdated, copy=Ticket)
async def copy_ticket(event: TicketUpdated, ticket: Ticket) -> None:
    """Keep our copy of the ticket current."""
    ticket.title, ticket.price = event.title, event.price
    await ticket.save()


@listeners.on(TicketDeleted, copy=Ticket)
async def bury_ticket(event: TicketDeleted, ticket: Ticket) -> None:
    """Take no more orders for it, and cancel one that was on its way, even a paid one."""
    ticket.deleted = True
    await ticket.save()
    live = {"ticket.id": event.id, "status": {"$ne": OrderStatus.CANCELLED.value}}
    for order in await Order.find(live).to_list():
        await cancel(order, CancelReason.TICKET_GONE)
    if await Reservation.find_one({"_id": ticket.id, "order_id": None}) is None:
        # An order that is being placed meanwhile is not seen here, and collides with this.
        await Reservation(id=ticket.id, order_id=None).insert()


@listeners.on(ExpirationCompleted)
async def end_the_time(event: ExpirationCompleted) -> None:
    """Ask payments whether the order is still to be paid: what we have heard may be old."""
    order = await _order(event.order_id)
    if order.expires_at > utc_now():
        raise RetryLater(f"Order {event.order_id} ends at {order.expires_at}")
    if not order.is_over:
        await order.next_version()
        await outbox.add(OrderOverdue.of(order))


@listeners.on(PaymentMissed)
async def expire_order(event: PaymentMissed) -> None:
    """Cancel the order: nobody has paid for it, and nobody can any more."""
    order = await _order(event.order_id)
    if not order.is_over:
        await cancel(order, CancelReason.EXPIRED)


@listeners.on(PaymentStarted)
@listeners.on(PaymentFailed)
async def await_payment(event: PaymentStarted | PaymentFailed) -> None:
    """Say that there is news: a payment is on its way, or another is to be tried."""
    order = await _order(event.order_id)
    if not order.is_over:
        order.status = OrderStatus.AWAITING_PAYMENT
        await order.save()
        await outbox.add(OrderAwaitingPayment.of(order))


@listeners.on(PaymentCreated)
async def complete_order(event: PaymentCreated) -> None:
    """The ticket is the buyer's."""
    order = await _order(event.order_id)
    if not order.is_over:
        order.status = OrderStatus.COMPLETE
        await order.save()
        await outbox.add(OrderCompleted.of(order))


async def _order(order_id: str) -> Order:
    """Whoever tells of an order has heard of it from us. Raises Reject where we know of none."""
    order = await Order.get(PydanticObjectId(order_id))
    if order is None:
        raise Reject(f"There is no order {order_id}")
    return order
