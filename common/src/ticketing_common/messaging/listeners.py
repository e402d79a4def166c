"""What a service does when it hears an event."""

from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from ticketing_common.errors import Conflict, Unavailable
from ticketing_common.events import DomainEvent, VersionedEvent, utc_now
from ticketing_common.persistence.database import database, is_unavailable
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.transaction import transactional

STREAM_RETENTION = timedelta(days=30)
"""How long the bus keeps an event. An inbox row outlives it, or a replay would do it again."""

INBOX_INDEXES = [
    IndexModel("at", expireAfterSeconds=int((STREAM_RETENTION + timedelta(days=1)).total_seconds()))
]

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)


class Reject(Exception):
    """Raised by a handler: this event can never be handled, no use trying again."""


class RetryLater(Exception):
    """Raised by a handler: what must come before has not come yet, try again shortly."""


class End(StrEnum):
    """How a delivery ended well."""

    HANDLED = "handled"
    SEEN = "seen"


_replayed: ContextVar[bool] = ContextVar("replayed", default=False)


def is_replay() -> bool:
    """Whether the event in hand is told again to a service that has lost what it knew.

    A handler that reaches beyond our stores, as a mail does, reached there the first time.
    """
    return _replayed.get()


class _Seen(Exception):
    """Aborts the transaction of an event that was handled before."""


@dataclass(frozen=True)
class Listener:
    """One row of a service's subscription list."""

    service: str
    event: type[DomainEvent]
    handler: Handler
    replica: type[VersionedDocument] | None

    @property
    def name(self) -> str:
        return f"{self.service}.{self.handler.__name__}"


class Listeners:
    """A service's subscription list.

    A handler is an async function that takes the event. It runs in one transaction with its inbox
    row and whatever it adds to the outbox, so its effect happens once, however often the event is
    delivered. `inbox=False` is for a service without MongoDB: its handlers must be harmless when
    repeated.
    """

    def __init__(self, service: str, *, inbox: bool = True) -> None:
        self.service = service
        self._inbox = inbox
        self._by_subject: dict[str, Listener] = {}

    def __iter__(self) -> Iterator[Listener]:
        return iter(self._by_subject.values())

    def on(
        self, event: type[DomainEvent], *, replica: type[VersionedDocument] | None = None
    ) -> Callable[[H], H]:
        """Have the decorated function called with each `event`.

        With `replica`, our copy of the document that the event tells of, it is called for exactly
        the next version. The first one (version 0) comes alone, and the handler inserts the copy;
        a later one comes with the copy, which is saved at the event's version afterwards.
        """

        def register(handler: H) -> H:
            if event.subject in self._by_subject:
                raise TypeError(f"{self.service} already listens to {event.subject}")
            if replica is not None and not issubclass(event, VersionedEvent):
                raise TypeError(f"{event.__name__} has no version for a replica to follow")
            self._by_subject[event.subject] = Listener(self.service, event, handler, replica)
            return handler

        return register

    def of(self, subject: str) -> Listener | None:
        return self._by_subject.get(subject)

    async def deliver(self, event: DomainEvent, event_id: str, *, replay: bool = False) -> End:
        """Have the event's effect happen, if it has not yet. `replay`: what `is_replay` tells.

        Raises RetryLater where an earlier event must come first, Unavailable where a store is away,
        Reject and whatever else the handler raises.
        """
        listener = self._by_subject[event.subject]
        token = _replayed.set(replay)
        try:
            if not self._inbox:
                await listener.handler(event)
                return End.HANDLED
            await _handle(listener, event, event_id)
        except _Seen:
            return End.SEEN
        except Conflict as error:
            raise Unavailable("Others keep changing the same documents") from error
        except PyMongoError as error:
            if is_unavailable(error):
                raise Unavailable("MongoDB is away") from error
            raise
        finally:
            _replayed.reset(token)
        return End.HANDLED


@transactional
async def _handle(listener: Listener, event: DomainEvent, event_id: str) -> None:
    if listener.replica is not None and isinstance(event, VersionedEvent):
        await _replicate(listener.handler, event, listener.replica)
        return
    try:
        await database()["inbox"].insert_one({"_id": event_id, "at": utc_now()})
    except DuplicateKeyError:
        raise _Seen from None
    await listener.handler(event)


async def _replicate(
    handler: Handler, event: VersionedEvent, replica: type[VersionedDocument]
) -> None:
    """Bring our copy from the version before the event's to the event's."""
    if event.version == 0:
        try:
            await handler(event)
        except DuplicateKeyError:
            raise _Seen from None
        return
    copy = await replica.get(ObjectId(event.id))
    have = copy.version if copy is not None else -1
    if event.version <= have:
        raise _Seen
    if copy is None or event.version > have + 1:
        raise RetryLater(f"{event.subject} {event.id}: have version {have}, heard {event.version}")
    await handler(event, copy)
    await copy.save()
