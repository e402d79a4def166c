"""What orders keeps."""

from datetime import timedelta
from typing import ClassVar, Self

from beanie import Document, PydanticObjectId
from pydantic import BaseModel
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from ticketing_common.errors import BadRequest, NotFound
from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime, utc_now
from ticketing_common.persistence.documents import OwnedDocument, VersionedDocument
from ticketing_common.web.sessions import SessionUser


class TicketReserved(BadRequest):
    """Another order holds the ticket, or it is sold."""

    code = "ticket_reserved"
    message = "Ticket is already reserved"


class OrderComplete(BadRequest):
    """The order is paid, so it cannot be cancelled."""

    code = "order_complete"
    message = "Cannot cancel an order that is complete"


class Ticket(VersionedDocument):
    """Our copy of what tickets sells. A deleted one stays, so that nothing late revives it."""

    class Settings:
        name: ClassVar[str] = "tickets"

    title: str
    price: Price
    deleted: bool = False

    @classmethod
    async def on_offer(cls, ticket_id: str) -> Self:
        """Raises NotFound for one that does not exist, any more or yet."""
        ticket = await cls.get(PydanticObjectId(ticket_id))
        if ticket is None or ticket.deleted:
            raise NotFound
        return ticket


class Reservation(Document):
    """The one live order of a ticket. Its id is the ticket's, so there is never a second."""

    class Settings:
        name: ClassVar[str] = "reservations"

    id: PydanticObjectId
    order_id: PydanticObjectId | None
    """None where the ticket is gone: it is reserved for nobody, for ever."""


class TicketAsOrdered(BaseModel):
    """The ticket at the price at which it was ordered."""

    id: Id
    title: str
    price: Price


class Order(OwnedDocument):
    """A buyer's hold on one ticket, until it is paid, cancelled or too late."""

    class Settings:
        name: ClassVar[str] = "orders"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("user_id", 1), ("_id", -1)]),
            IndexModel("ticket.id"),
        ]

    status: OrderStatus = OrderStatus.CREATED
    expires_at: UtcTime
    ticket: TicketAsOrdered
    reason: CancelReason | None = None
    """Why it was cancelled."""

    @classmethod
    async def place(cls, user: SessionUser, ticket: Ticket, window: timedelta) -> Self:
        """Reserve the ticket. Raises TicketReserved: of any number of callers, for all but one."""
        order = cls(
            user_id=user.id,
            expires_at=utc_now() + window,
            ticket=TicketAsOrdered(id=str(ticket.id), title=ticket.title, price=ticket.price),
        )
        # Asked first, because a duplicate key aborts a transaction that the losers then pay for.
        if await Reservation.get(ticket.id) is not None:
            raise TicketReserved
        try:
            await Reservation(id=ticket.id, order_id=order.id).insert()
        except DuplicateKeyError:
            raise TicketReserved from None
        return await order.insert()

    @property
    def is_over(self) -> bool:
        return self.status in (OrderStatus.COMPLETE, OrderStatus.CANCELLED)

    def must_be_unpaid(self) -> None:
        """Raises OrderComplete."""
        if self.status == OrderStatus.COMPLETE:
            raise OrderComplete

    async def cancel(self, reason: CancelReason) -> None:
        """End the order and free its ticket."""
        self.status, self.reason = OrderStatus.CANCELLED, reason
        await self.save()
        ticket_id = PydanticObjectId(self.ticket.id)
        await Reservation.find({"_id": ticket_id, "order_id": self.id}).delete()
