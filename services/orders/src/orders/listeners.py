"""What orders does when it hears an event."""

from beanie import PydanticObjectId

from orders.models import Order, Reservation, Ticket
from orders.rules import cancel
from ticketing_common import outbox
from ticketing_common.auth import end_earlier_sessions
from ticketing_common.events import (
    CancelReason,
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCompleted,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentStarted,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    utc_now,
)
from ticketing_common.listeners import Listeners, NotYet, Reject

listeners = Listeners("orders")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(TicketCreated, replica=Ticket)
async def copy_new_ticket(event: TicketCreated) -> None:
    """Begin our copy of a ticket."""
    await Ticket(id=PydanticObjectId(event.id), title=event.title, price=event.price).insert()


@listeners.on(TicketUpdated, replica=Ticket)
async def copy_ticket(event: TicketUpdated, ticket: Ticket) -> None:
    """Keep our copy of the ticket current."""
    ticket.title, ticket.price = event.title, event.price


@listeners.on(TicketDeleted, replica=Ticket)
async def bury_ticket(event: TicketDeleted, ticket: Ticket) -> None:
    """Take no more orders for it, and cancel one that was on its way, even a paid one."""
    ticket.deleted = True
    live = {"ticket.id": event.id, "status": {"$ne": OrderStatus.CANCELLED.value}}
    for order in await Order.find(live).to_list():
        await cancel(order, CancelReason.TICKET_GONE)
    if await Reservation.find_one({"_id": ticket.id, "order_id": None}) is None:
        # An order that is being placed meanwhile is not seen here, and collides with this.
        await Reservation(id=ticket.id, order_id=None).insert()


@listeners.on(ExpirationCompleted)
async def expire_order(event: ExpirationCompleted) -> None:
    """Cancel the order, if it is still unpaid."""
    order = await _order(event.order_id)
    if order.expires_at > utc_now():
        raise NotYet(f"Order {event.order_id} ends at {order.expires_at}")
    if not order.is_over:
        order.time_is_over = True
        await _go_on(order)


@listeners.on(PaymentStarted)
async def await_payment(event: PaymentStarted) -> None:
    """Wait for the payment, whatever the time."""
    order = await _order(event.order_id)
    if not order.is_over and event.id not in order.failed:
        order.paying.append(event.id)
        await _go_on(order)


@listeners.on(PaymentFailed)
async def accept_another_payment(event: PaymentFailed) -> None:
    """Let the buyer try again, if there is time."""
    order = await _order(event.order_id)
    if not order.is_over:
        order.paying = [payment for payment in order.paying if payment != event.id]
        order.failed.append(event.id)
        await _go_on(order)


@listeners.on(PaymentCreated)
async def complete_order(event: PaymentCreated) -> None:
    """The ticket is the buyer's."""
    order = await _order(event.order_id)
    if not order.is_over:
        order.status, order.paying = OrderStatus.COMPLETE, []
        await order.save()
        await outbox.add(OrderCompleted.of(order))


async def _go_on(order: Order) -> None:
    """Cancel an order whose time is over, have another wait for its payment."""
    if order.is_late:
        await cancel(order, CancelReason.EXPIRED)
        return
    order.status = OrderStatus.AWAITING_PAYMENT
    await order.save()
    await outbox.add(OrderAwaitingPayment.of(order))


async def _order(order_id: str) -> Order:
    """Whoever tells of an order has heard of it from us. Raises Reject where we know of none."""
    order = await Order.get(PydanticObjectId(order_id))
    if order is None:
        raise Reject(f"There is no order {order_id}")
    return order
