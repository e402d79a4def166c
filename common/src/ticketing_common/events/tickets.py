"""Domain events published by tickets."""

from typing import ClassVar

from ticketing_common.events.base import VersionedEvent
from ticketing_common.events.values import Id, Price, UtcTime


class TicketEvent(VersionedEvent):
    producer: ClassVar[str] = "tickets"
    aggregate: ClassVar[str] = "ticket"


class TicketCreated(TicketEvent):
    subject: ClassVar[str] = "ticket.created"

    title: str
    price: Price
    user_id: Id


class TicketUpdated(TicketEvent):
    """The title, the price or the order of a ticket changed, or it was sold."""

    subject: ClassVar[str] = "ticket.updated"

    title: str
    price: Price
    user_id: Id
    order_id: Id | None
    """The order that reserved or bought it, None while it is for sale."""
    reserved_until: UtcTime | None = None
    """The end of the time to pay, None while it is for sale or sold."""
    sold_at: UtcTime | None = None


class TicketDeleted(TicketEvent):
    subject: ClassVar[str] = "ticket.deleted"
