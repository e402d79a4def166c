"""What tickets keeps."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from beanie import Document, PydanticObjectId
from pymongo import IndexModel

from ticketing_common.errors import BadRequest
from ticketing_common.events import Id, Price, UtcTime, utc_now
from ticketing_common.messaging.listeners import STREAM_RETENTION
from ticketing_common.persistence.documents import OwnedDocument


class TicketNotChangeable(BadRequest):
    """The ticket is reserved or sold, so its seller cannot change or delete it."""

    code = "ticket_not_changeable"
    message = "Cannot change a ticket that is reserved or sold"


class Ticket(OwnedDocument):
    """A ticket that somebody sells."""

    class Settings:
        name: ClassVar[str] = "tickets"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("order_id", 1), ("_id", -1)]),
            IndexModel([("order_id", 1), ("price", 1), ("_id", 1)]),
            IndexModel([("user_id", 1), ("_id", -1)]),
            IndexModel("words"),
        ]

    title: str
    price: Price
    order_id: Id | None = None
    """The order that holds or bought it, None while it is for sale."""
    words: list[str]
    """The title's words in lower case, to search by their beginnings."""
    created_at: UtcTime

    def change(self, title: str, price: Price) -> None:
        """Raises TicketNotChangeable where somebody holds or has bought it."""
        self.must_be_free()
        self.title, self.price, self.words = title, price, words_of(title)

    def must_be_free(self) -> None:
        """Raises TicketNotChangeable where somebody holds or has bought it."""
        if self.order_id is not None:
            raise TicketNotChangeable


def words_of(text: str) -> list[str]:
    """The different words of a title or a search, in lower case."""
    return list(dict.fromkeys(re.findall(r"\w+", text.lower())))


class HoldState(StrEnum):
    HELD = "held"
    RELEASED = "released"
    SOLD = "sold"


class Hold(Document):
    """What we have heard of an order. Its id is the order's.

    Events of an order can come in any order: what has ended is not begun again.
    """

    class Settings:
        name: ClassVar[str] = "holds"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                "at", expireAfterSeconds=int((STREAM_RETENTION + timedelta(1)).total_seconds())
            )
        ]

    id: PydanticObjectId
    state: HoldState
    at: UtcTime

    @classmethod
    async def begin(cls, order_id: str) -> bool:
        """Note that the order holds its ticket; False where we have heard of the order before."""
        held = {"state": HoldState.HELD, "at": utc_now()}
        before = await cls.get_pymongo_collection().find_one_and_update(
            {"_id": PydanticObjectId(order_id)}, {"$setOnInsert": held}, upsert=True
        )
        return before is None

    @classmethod
    async def end(cls, order_id: str, state: HoldState) -> None:
        """Note how the order ended, whether or not we have heard of its beginning."""
        await cls.get_pymongo_collection().update_one(
            {"_id": PydanticObjectId(order_id)},
            {"$set": {"state": state, "at": utc_now()}},
            upsert=True,
        )
