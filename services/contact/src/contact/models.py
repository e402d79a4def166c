"""What contact keeps."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Self

from beanie import Document, PydanticObjectId
from pydantic import Field
from pymongo import IndexModel

from ticketing_common.documents import VersionedDocument
from ticketing_common.events import Id, Price, UtcTime, utc_now
from ticketing_common.listeners import NotYet


class Recipient(Document):
    """Where to write to a user.

    Follows no versions: the bus forgets UserForgotPassword, and its version, within minutes.
    """

    class Settings:
        name: ClassVar[str] = "recipients"

    id: PydanticObjectId
    email: str

    @classmethod
    async def known(cls, user_id: str) -> Self:
        """Raises NotYet: whoever acts has signed up, and we shall hear of it."""
        recipient = await cls.get(PydanticObjectId(user_id))
        if recipient is None:
            raise NotYet(f"Have not heard of user {user_id}")
        return recipient


class Ticket(VersionedDocument):
    """Our copy of a ticket, kept after its end for the mails that come later."""

    class Settings:
        name: ClassVar[str] = "tickets"

    title: str
    price: Price
    user_id: Id

    @classmethod
    async def known(cls, ticket_id: str) -> Self:
        """Raises NotYet: we shall hear of it."""
        ticket = await cls.get(PydanticObjectId(ticket_id))
        if ticket is None:
            raise NotYet(f"Have not heard of ticket {ticket_id}")
        return ticket


class Order(Document):
    """What a mail about an order tells of it."""

    class Settings:
        name: ClassVar[str] = "orders"

    id: PydanticObjectId
    user_id: Id
    title: str
    price: Price

    @classmethod
    async def known(cls, order_id: str) -> Self:
        """Raises NotYet: we shall hear of it."""
        order = await cls.get(PydanticObjectId(order_id))
        if order is None:
            raise NotYet(f"Have not heard of order {order_id}")
        return order


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Mail(Document):
    """One entry of the delivery log, one a mail: what is to be sent, and what became of it."""

    class Settings:
        name: ClassVar[str] = "mails"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("state", 1), ("next_try_at", 1)]),
            IndexModel("queued_at", expireAfterSeconds=int(timedelta(days=90).total_seconds())),
        ]

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    template: str
    user_id: Id
    to: str
    facts: dict[str, str]
    """What the template tells."""
    secret: str | None = None
    """What it tells and we forget as soon as it is sent or of no more use."""
    useless_after: UtcTime | None = None
    state: MailState = MailState.QUEUED
    tries: int = 0
    queued_at: UtcTime = Field(default_factory=utc_now)
    next_try_at: UtcTime = Field(default_factory=utc_now)
    sent_at: UtcTime | None = None
    message_id: str | None = None
    error: str | None = None
