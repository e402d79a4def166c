"""What tickets does when it hears an event."""

from beanie import PydanticObjectId

from ticketing_common import outbox
from ticketing_common.auth import end_earlier_sessions
from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
    UserChangedPassword,
    utc_now,
)
from ticketing_common.listeners import Listeners, NotYet
from tickets.models import Hold, HoldState, Ticket

listeners = Listeners("tickets")

listeners.on(UserChangedPassword)(end_earlier_sessions)


@listeners.on(OrderCreated)
async def reserve_ticket(event: OrderCreated) -> None:
    """Hold the ticket for the order, unless the order has ended already."""
    if await Hold.get(PydanticObjectId(event.id)) is None:
        await _hold(event.ticket.id, event.id, HoldState.HELD)


@listeners.on(OrderCompleted)
async def keep_ticket_sold(event: OrderCompleted) -> None:
    """Hold the ticket for the order for ever."""
    await _hold(event.ticket.id, event.id, HoldState.SOLD)


@listeners.on(OrderCancelled)
async def release_ticket(event: OrderCancelled) -> None:
    """Have the ticket for sale again."""
    ticket = await Ticket.get(PydanticObjectId(event.ticket.id))
    await _note(event.id, HoldState.RELEASED)
    if ticket is not None and ticket.order_id == event.id:
        ticket.order_id = None
        await ticket.save()
        await outbox.add(TicketUpdated.of(ticket))


async def _hold(ticket_id: str, order_id: str, state: HoldState) -> None:
    """Raises NotYet while another order holds the ticket: its end is on its way."""
    ticket = await Ticket.get(PydanticObjectId(ticket_id))
    await _note(order_id, state)
    # A ticket that was withdrawn meanwhile: orders hears of that, and cancels the order.
    if ticket is None or ticket.order_id == order_id:
        return
    if ticket.order_id is not None:
        raise NotYet(f"Ticket {ticket_id} is still held for order {ticket.order_id}")
    ticket.order_id = order_id
    await ticket.save()
    await outbox.add(TicketUpdated.of(ticket))


async def _note(order_id: str, state: HoldState) -> None:
    await Hold.get_pymongo_collection().update_one(
        {"_id": PydanticObjectId(order_id)},
        {"$set": {"state": state, "at": utc_now()}},
        upsert=True,
    )
