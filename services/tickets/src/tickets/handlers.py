"""Event handlers of tickets: orders reserve, buy and release tickets."""

from datetime import datetime

from beanie import PydanticObjectId

from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
    utc_now,
)
from ticketing_common.messaging.listeners import Listeners, RetryLater
from ticketing_common.persistence import outbox
from ticketing_common.persistence.proof import Proof
from tickets.models import Hold, HoldState, Ticket, states_since

listeners = Listeners("tickets")

HELD, SOLD, RELEASED = (
    Proof(Hold, {"state": {"$in": states_since(state)}})
    for state in (HoldState.HELD, HoldState.SOLD, HoldState.RELEASED)
)


@listeners.on(OrderCreated, proof=HELD)
async def reserve_ticket(event: OrderCreated) -> None:
    """Reserve the ticket as it was ordered, unless the order has already ended."""
    await Hold.start(event.id)
    await _assign(event, reserved_until=event.expires_at)


@listeners.on(OrderCompleted, proof=SOLD)
async def sell_ticket(event: OrderCompleted) -> None:
    """Mark the ticket as sold to the order's buyer."""
    await Hold.end(event.id, HoldState.SOLD)
    await _assign(event, sold_at=event.completed_at or utc_now())


@listeners.on(OrderCancelled, proof=RELEASED)
async def release_ticket(event: OrderCancelled) -> None:
    """Offer the ticket for sale again."""
    await Hold.end(event.id, HoldState.RELEASED)
    ticket = await Ticket.get(PydanticObjectId(event.ticket.id))
    if ticket is not None and ticket.order_id == event.id:
        ticket.release()
        await ticket.save()
        await outbox.add(TicketUpdated.of(ticket))


async def _assign(
    event: OrderCreated | OrderCompleted,
    *,
    reserved_until: datetime | None = None,
    sold_at: datetime | None = None,
) -> None:
    """Reserve the ticket for the order, or sell it to the order's buyer.

    Raises: RetryLater while another order has the ticket.
    """
    ticket = await Ticket.get(PydanticObjectId(event.ticket.id))
    # A deleted ticket needs no reservation: orders cancels the order when it handles the deletion.
    if ticket is None or (ticket.order_id == event.id and ticket.sold_at is not None):
        return
    if ticket.order_id not in (None, event.id):
        # The OrderCancelled of that order has not arrived yet.
        reason = f"Ticket {event.ticket.id} is reserved for order {ticket.order_id}"
        raise RetryLater(reason, waits_for=ticket.order_id)
    if event.ticket.title is not None and event.ticket.price is not None:
        ticket.set_ordered_terms(event.ticket.title, event.ticket.price)
    if sold_at is not None:
        ticket.pending_terms = None
    ticket.order_id, ticket.reserved_until, ticket.sold_at = event.id, reserved_until, sold_at
    await ticket.save()
    await outbox.add(TicketUpdated.of(ticket))
