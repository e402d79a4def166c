"""What tickets does when it hears an event."""

from beanie import PydanticObjectId

from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
    UserChangedPassword,
)
from ticketing_common.messaging.listeners import Listeners, RetryLater
from ticketing_common.persistence import outbox
from ticketing_common.web.sessions import end_earlier_sessions
from tickets.models import Hold, HoldState, Ticket

listeners = Listeners("tickets")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(OrderCreated)
async def reserve_ticket(event: OrderCreated) -> None:
    """Hold the ticket for the order, unless we have heard of the order's end already."""
    if await Hold.begin(event.id):
        await _hold(event.ticket.id, event.id)


@listeners.on(OrderCompleted)
async def keep_ticket_sold(event: OrderCompleted) -> None:
    """Hold the ticket for the order for ever."""
    await Hold.end(event.id, HoldState.SOLD)
    await _hold(event.ticket.id, event.id)


@listeners.on(OrderCancelled)
async def release_ticket(event: OrderCancelled) -> None:
    """Have the ticket for sale again."""
    await Hold.end(event.id, HoldState.RELEASED)
    ticket = await Ticket.get(PydanticObjectId(event.ticket.id))
    if ticket is not None and ticket.order_id == event.id:
        ticket.order_id = None
        await ticket.save()
        await outbox.add(TicketUpdated.of(ticket))


async def _hold(ticket_id: str, order_id: str) -> None:
    """Raises RetryLater while another order holds the ticket: that one's end is on its way."""
    ticket = await Ticket.get(PydanticObjectId(ticket_id))
    # A ticket that was withdrawn meanwhile: orders hears of that, and cancels the order.
    if ticket is None or ticket.order_id == order_id:
        return
    if ticket.order_id is not None:
        raise RetryLater(f"Ticket {ticket_id} is still held for order {ticket.order_id}")
    ticket.order_id = order_id
    await ticket.save()
    await outbox.add(TicketUpdated.of(ticket))
