"""Documents of tickets."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from beanie import Document, PydanticObjectId
from pydantic import BaseModel
from pymongo import IndexModel

from ticketing_common.errors import BadRequest
from ticketing_common.events import Id, Price, UtcTime, utc_now
from ticketing_common.messaging.listeners import STREAM_RETENTION
from ticketing_common.persistence.documents import OwnedDocument
from ticketing_common.text import split_words

HOLD_RETENTION = STREAM_RETENTION + timedelta(days=1)
"""A hold outlives the events of its order, so that a replay finds it."""

MAX_TERM_LENGTH = 20


class TicketNotChangeable(BadRequest):
    """The ticket is reserved or sold, so its seller cannot update or delete it."""

    code = "ticket_not_changeable"
    message = "Cannot change a ticket that is reserved or sold"


class Terms(BaseModel):
    """Title and price of a ticket."""

    title: str
    price: Price


class Ticket(OwnedDocument):
    """A ticket of a seller. A reserved one has the title and the price of its order."""

    class Settings:
        name: ClassVar[str] = "tickets"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("order_id", 1), ("_id", -1)]),
            IndexModel([("order_id", 1), ("price", 1), ("_id", 1)]),
            IndexModel([("user_id", 1), ("_id", -1)]),
            IndexModel([("user_id", 1), ("price", 1), ("_id", 1)]),
            IndexModel([("order_id", 1), ("search_terms", -1), ("_id", -1)]),
        ]

    title: str
    price: Price
    order_id: Id | None = None
    """The order that reserved or bought it, None while it is for sale."""
    reserved_until: UtcTime | None = None
    """The end of the time to pay, None while it is for sale or sold."""
    sold_at: UtcTime | None = None
    search_terms: list[str]
    """The beginnings of the folded words of the title: a search compares them with `==`."""
    created_at: UtcTime
    pending_terms: Terms | None = None
    """A change of the seller that was accepted while an order of the earlier terms was on its way.
    It applies when the ticket is for sale again."""

    def change(self, title: str, price: Price) -> None:
        """Change title and price. Raises: TicketNotChangeable."""
        self.require_for_sale()
        self._set_terms(title, price)

    def set_ordered_terms(self, title: str, price: Price) -> None:
        """Take the title and the price of the order over, and keep the seller's for later."""
        if (title, price) != (self.title, self.price):
            self.pending_terms = Terms(title=self.title, price=self.price)
            self._set_terms(title, price)

    def release(self) -> None:
        """Put the ticket on sale again, as its seller last changed it."""
        self.order_id = self.reserved_until = self.sold_at = None
        if self.pending_terms is not None:
            self._set_terms(self.pending_terms.title, self.pending_terms.price)
            self.pending_terms = None

    def _set_terms(self, title: str, price: Price) -> None:
        self.title, self.price, self.search_terms = title, price, search_terms(title)

    def require_for_sale(self) -> None:
        """Raise TicketNotChangeable if the ticket is reserved or sold."""
        if self.order_id is not None:
            raise TicketNotChangeable


def search_terms(title: str) -> list[str]:
    """Return the distinct beginnings of a title's words, each of at most 20 characters."""
    return list(
        dict.fromkeys(
            word[:length]
            for word in split_words(title)
            for length in range(1, min(len(word), MAX_TERM_LENGTH) + 1)
        )
    )


class HoldState(StrEnum):
    HELD = "held"
    RELEASED = "released"
    SOLD = "sold"


def states_since(state: HoldState) -> list[str]:
    """Return a state and the later ones. A sold ticket is released if its seller deletes it."""
    states = [HoldState.HELD, HoldState.SOLD, HoldState.RELEASED]
    return [each.value for each in states[states.index(state) :]]


class Hold(Document):
    """The state of one order, whose id it has.

    Events of an order can arrive in any order: an ended hold must not start again.
    """

    class Settings:
        name: ClassVar[str] = "holds"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel("changed_at", expireAfterSeconds=int(HOLD_RETENTION.total_seconds()))
        ]

    id: PydanticObjectId
    state: HoldState
    changed_at: UtcTime

    @classmethod
    async def start(cls, order_id: str) -> None:
        """Record that the order holds its ticket.

        Raises: DuplicateKeyError if the order has a hold, which may have ended.
        """
        hold = cls(id=PydanticObjectId(order_id), state=HoldState.HELD, changed_at=utc_now())
        await hold.insert()

    @classmethod
    async def end(cls, order_id: str, state: HoldState) -> None:
        """Record how the order ended, even if its start is not recorded yet.

        Raises: DuplicateKeyError if that, or a later state, is recorded already.
        """
        await cls.get_pymongo_collection().update_one(
            {"_id": PydanticObjectId(order_id), "state": {"$nin": states_since(state)}},
            {"$set": {"state": state, "changed_at": utc_now()}},
            upsert=True,
        )
