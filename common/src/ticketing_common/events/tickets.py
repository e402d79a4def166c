"""What tickets says."""

from typing import ClassVar

from ticketing_common.events.base import VersionedEvent
from ticketing_common.events.values import Id, Price


class TicketCreated(VersionedEvent):
    subject: ClassVar[str] = "ticket.created"

    title: str
    price: Price
    user_id: Id


class TicketUpdated(VersionedEvent):
    subject: ClassVar[str] = "ticket.updated"

    title: str
    price: Price
    user_id: Id
    order_id: Id | None
    """The order that holds or bought it, None while it is for sale."""


class TicketDeleted(VersionedEvent):
    subject: ClassVar[str] = "ticket.deleted"
