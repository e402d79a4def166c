"""Event handlers of orders: copies of tickets, payments and expirations of orders."""

from typing import Any

from beanie import PydanticObjectId

from orders.models import ENDED_STATUSES, Order, Reservation, Terms, Ticket
from orders.rules import cancel_order
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
    utc_now,
)
from ticketing_common.messaging.listeners import Listeners, Reject, RetryLater
from ticketing_common.persistence import outbox
from ticketing_common.persistence.proof import Proof

listeners = Listeners("orders")

ENDED = Proof(Order, {"status": {"$in": [status.value for status in ENDED_STATUSES]}})
"""An ended order shows that an event was handled that can only end it."""


@listeners.follow(TicketCreated, TicketUpdated, copy=Ticket)
def copy_ticket(event: TicketCreated | TicketUpdated) -> dict[str, Any]:
    """Copy the title and the price of a ticket. Existing orders keep theirs."""
    return Ticket.fields_of(Terms.model_validate(event, from_attributes=True))


@listeners.on(TicketDeleted, copy=Ticket)
async def delete_ticket_copy(event: TicketDeleted, ticket: Ticket) -> None:
    """Accept no further orders of the ticket and cancel its live order, even if it is paid."""
    ticket.deleted = True
    await ticket.save()
    live = {"ticket.id": event.id, "status": {"$ne": OrderStatus.CANCELLED.value}}
    for order in await Order.find(live).to_list():
        await cancel_order(order, CancelReason.TICKET_GONE)
    if await Reservation.find_one({"_id": ticket.id, "order_id": None}) is None:
        # This transaction does not see an order that another one is creating now. Both write the
        # reservation, so one of them meets a write conflict and runs again.
        await Reservation(id=ticket.id, order_id=None).insert()


@listeners.on(ExpirationCompleted)
async def publish_order_overdue(event: ExpirationCompleted) -> None:
    """Publish that the time to pay is over. payments answers if the order can no longer be paid.

    The order is not cancelled yet: its PaymentCreated may still be on its way.
    """
    order = await _load_order(event.order_id)
    if order.expires_at > utc_now():
        reason = f"Order {event.order_id} expires at {order.expires_at}"
        raise RetryLater(reason, until=order.expires_at)
    if not order.has_ended:
        await order.next_version()
        await outbox.add(OrderOverdue.of(order))


@listeners.on(PaymentMissed, proof=ENDED)
async def expire_order(event: PaymentMissed) -> None:
    """Cancel an overdue order that has no payment and can get none."""
    order = await _load_order(event.order_id)
    if not order.has_ended:
        await cancel_order(order, CancelReason.EXPIRED)


@listeners.on(PaymentStarted)
@listeners.on(PaymentFailed)
async def await_payment(event: PaymentStarted | PaymentFailed) -> None:
    """Publish that an attempt to pay began or failed. After a failure the buyer can try again."""
    order = await _load_order(event.order_id)
    if not order.has_ended:
        order.status = OrderStatus.AWAITING_PAYMENT
        await order.save()
        await outbox.add(OrderAwaitingPayment.of(order))


@listeners.on(PaymentCreated, proof=ENDED)
async def complete_order(event: PaymentCreated) -> None:
    """Complete the order: its ticket is sold."""
    order = await _load_order(event.order_id)
    if not order.has_ended:
        order.status = OrderStatus.COMPLETE
        await order.save()
        await outbox.add(OrderCompleted.of(order, completed_at=utc_now()))


async def _load_order(order_id: str) -> Order:
    """Load an order. Raises: Reject if there is none, because orders publishes its orders first."""
    order = await Order.get(PydanticObjectId(order_id))
    if order is None:
        raise Reject(f"There is no order {order_id}")
    return order
