"""What contact keeps."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, TypeVar

from beanie import Document, PydanticObjectId
from pydantic import Field
from pymongo import IndexModel

from ticketing_common.events import Id, Price, UtcTime, utc_now
from ticketing_common.messaging.listeners import RetryLater
from ticketing_common.persistence.documents import VersionedDocument

D = TypeVar("D", bound=Document)


async def known(kind: type[D], document_id: str) -> D:
    """What we remember of it. Raises RetryLater: whatever is told of has begun, and we shall hear."""
    document = await kind.get(PydanticObjectId(document_id))
    if document is None:
        raise RetryLater(f"Have not heard of {kind.__name__} {document_id}")
    return document


class Recipient(Document):
    """Where to write to a user.

    Follows no versions: the bus forgets UserForgotPassword, and its version, within minutes.
    """

    class Settings:
        name: ClassVar[str] = "recipients"

    id: PydanticObjectId
    email: str


class Ticket(VersionedDocument):
    """Our copy of a ticket, kept after its end for the mails that come later."""

    class Settings:
        name: ClassVar[str] = "tickets"

    title: str
    price: Price
    user_id: Id


class Order(Document):
    """What a mail about an order tells of it."""

    class Settings:
        name: ClassVar[str] = "orders"

    id: PydanticObjectId
    user_id: Id
    title: str
    price: Price


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
