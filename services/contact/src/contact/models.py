"""Documents of contact."""

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

MAIL_RETENTION = timedelta(days=90)


async def load(document_type: type[D], document_id: str) -> D:
    """Load a document. Raises: RetryLater if the event that creates it has not arrived yet."""
    document = await document_type.get(PydanticObjectId(document_id))
    if document is None:
        reason = f"{document_type.__name__} {document_id} is not known yet"
        raise RetryLater(reason, waits_for=document_id)
    return document


class Recipient(Document):
    """The address of a user.

    Not a versioned copy: the bus keeps one of the versions, UserForgotPassword, for minutes only.
    """

    class Settings:
        name: ClassVar[str] = "recipients"

    id: PydanticObjectId
    email: str


class Ticket(VersionedDocument):
    """The copy of a ticket. It stays after the deletion of the ticket, for later mails."""

    class Settings:
        name: ClassVar[str] = "tickets"

    title: str
    price: Price
    user_id: Id
    """The seller."""
    reserved: bool = False
    """Whether it is reserved or sold, with the title and the price of its order."""


class Order(Document):
    """The data of an order that its mails contain."""

    class Settings:
        name: ClassVar[str] = "orders"

    id: PydanticObjectId
    user_id: Id
    """The buyer."""
    title: str
    price: Price


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Mail(Document):
    """A queued mail, and afterwards its entry in the delivery log."""

    class Settings:
        name: ClassVar[str] = "mails"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("state", 1), ("next_attempt_at", 1)]),
            IndexModel("queued_at", expireAfterSeconds=int(MAIL_RETENTION.total_seconds())),
        ]

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    template: str
    user_id: Id
    to: str
    variables: dict[str, str]
    """The values for the template."""
    secret: str | None = None
    """A secret value for the template, deleted when the mail is sent or has failed."""
    expires_at: UtcTime | None = None
    """The time after which the mail is useless and not sent any more."""
    state: MailState = MailState.QUEUED
    attempts: int = 0
    queued_at: UtcTime = Field(default_factory=utc_now)
    next_attempt_at: UtcTime = Field(default_factory=utc_now)
    """The time of the next attempt. While a process sends the mail: the end of its lease."""
    sent_at: UtcTime | None = None
    message_id: str | None = None
    """SendGrid's id of the mail."""
    error: str | None = None
    """The cause of the last failed attempt."""
