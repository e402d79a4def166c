"""Documents of orders."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from beanie import Document, PydanticObjectId
from pydantic import BaseModel, ConfigDict, Field
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from ticketing_common.errors import BadRequest, NotFound, Unavailable
from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime, utc_now
from ticketing_common.persistence.documents import OwnedDocument, VersionedDocument

REMEMBERED_VERSIONS = 16
"""How many versions of a ticket's terms its copy keeps."""
ENDED_STATUSES = (OrderStatus.COMPLETE, OrderStatus.CANCELLED)


class TicketReserved(BadRequest):
    """Another order has reserved or bought the ticket."""

    code = "ticket_reserved"
    message = "Ticket is already reserved"


class OrderComplete(BadRequest):
    """The order is paid, so it cannot be cancelled."""

    code = "order_complete"
    message = "This order is paid, so it cannot be cancelled"


class TicketOutdated(Unavailable):
    """The buyer has seen a later version of the ticket than is known here. Try again soon."""

    code = "ticket_outdated"
    message = "This ticket is changing at the moment. Try again."


class Terms(BaseModel):
    """Title and price of one version of a ticket."""

    version: int
    title: str
    price: Price


class Ticket(VersionedDocument):
    """The copy of a ticket. A deleted one stays, so that no late event creates it again."""

    class Settings:
        name: ClassVar[str] = "tickets"

    title: str
    price: Price
    terms: dict[str, Terms] = Field(default_factory=dict)
    """Those of the last versions, by version modulo `REMEMBERED_VERSIONS`."""
    deleted: bool = False

    @staticmethod
    def fields_of(terms: Terms) -> dict[str, Any]:
        """Return the fields that a version of the ticket sets, for `write_copy`."""
        kept, slot = terms.model_dump(), str(terms.version % REMEMBERED_VERSIONS)
        past = {"terms": {slot: kept}} if terms.version == 0 else {f"terms.{slot}": kept}
        return {"title": terms.title, "price": terms.price, **past}

    def has_terms_of(self, version: int) -> bool:
        """Return whether title and price are those of an earlier version.

        Of a version that is no longer kept it is not known, so the answer is no. Raises:
        TicketOutdated for a later version.
        """
        if version > self.version:
            raise TicketOutdated
        if version == self.version:
            return True
        known = self.terms.get(str(version % REMEMBERED_VERSIONS))
        return known == Terms(version=version, title=self.title, price=self.price)

    @classmethod
    async def find_existing(cls, ticket_id: str) -> Self:
        """Load a ticket. Raises: NotFound if it is deleted or not known yet."""
        ticket = await cls.get(PydanticObjectId(ticket_id))
        if ticket is None or ticket.deleted:
            raise NotFound
        return ticket


class Reservation(Document):
    """The live order of a ticket. It has the ticket's id, so a ticket cannot have two."""

    class Settings:
        name: ClassVar[str] = "reservations"

    id: PydanticObjectId
    order_id: PydanticObjectId | None
    """None if the ticket is deleted: no order can reserve it any more."""


class TicketSnapshot(BaseModel):
    """A ticket as it was when it was ordered."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    title: str
    price: Price
    version: int | None = None
    """The ticket's version that was ordered. None in orders of earlier releases."""


class Order(OwnedDocument):
    """A buyer's order of one ticket."""

    class Settings:
        name: ClassVar[str] = "orders"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("user_id", 1), ("_id", -1)]),
            IndexModel("ticket.id"),
        ]

    status: OrderStatus = OrderStatus.CREATED
    expires_at: UtcTime
    """The end of the time to pay."""
    ticket: TicketSnapshot
    reason: CancelReason | None = None
    """Why it was cancelled."""

    @classmethod
    async def place(cls, user_id: str, ticket: Ticket, window: timedelta) -> Self:
        """Insert an order with a reservation of its ticket.

        Of several concurrent calls for one ticket, one succeeds. Raises: TicketReserved.
        """
        order = cls(
            user_id=user_id,
            expires_at=utc_now() + window,
            ticket=TicketSnapshot.model_validate(ticket),
        )
        try:
            await Reservation(id=ticket.id, order_id=order.id).insert()
        except DuplicateKeyError:
            raise TicketReserved from None
        return await order.insert()

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED_STATUSES

    def require_not_complete(self) -> None:
        """Raise OrderComplete if the order is paid."""
        if self.status == OrderStatus.COMPLETE:
            raise OrderComplete

    async def cancel(self, reason: CancelReason) -> None:
        """Cancel the order and release its ticket. `rules.cancel_order` also publishes it."""
        self.status, self.reason = OrderStatus.CANCELLED, reason
        await self.save()
        ticket_id = PydanticObjectId(self.ticket.id)
        await Reservation.find({"_id": ticket_id, "order_id": self.id}).delete()
