"""A service's listeners: which handler runs for which domain event."""

from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from ticketing_common.errors import Conflict, Unavailable
from ticketing_common.events import DomainEvent, VersionedEvent, utc_now
from ticketing_common.persistence import parked_events
from ticketing_common.persistence.database import database, is_unavailable
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.transaction import transactional

STREAM_RETENTION = timedelta(days=30)
"""How long the bus keeps a domain event."""

INBOX_INDEXES = [
    # Inbox rows outlive the events: otherwise a replay would be handled twice.
    IndexModel(
        "handled_at",
        expireAfterSeconds=int((STREAM_RETENTION + timedelta(days=1)).total_seconds()),
    )
]

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)


class Reject(Exception):
    """Raised by a handler that can never handle the event: it becomes a dead letter at once."""


class RetryLater(Exception):
    """Raised by a handler that needs an event which has not arrived yet: its event is parked.

    It runs again when an event of the aggregate `waits_for` is handled that has at least the
    version `after_version`, or at the time `until`.
    """

    def __init__(
        self,
        reason: str,
        *,
        waits_for: str | None = None,
        after_version: int = 0,
        until: datetime | None = None,
    ) -> None:
        super().__init__(reason)
        self.waits_for = waits_for
        self.after_version = after_version
        self.until = until


class Outcome(StrEnum):
    """The outcome of a successful delivery."""

    HANDLED = "handled"
    DUPLICATE = "duplicate"


_is_replay: ContextVar[bool] = ContextVar("is_replay", default=False)


def is_replay() -> bool:
    """Return whether the current event is replayed to a service that lost its data.

    A handler with effects outside the service's own store, such as a mail, skips them then.
    """
    return _is_replay.get()


class _AlreadyHandled(Exception):
    """Aborts the transaction of an event that was handled before."""


@dataclass(frozen=True)
class Listener:
    """A domain event and its handler in one service."""

    service: str
    event: type[DomainEvent]
    handler: Handler
    copy: type[VersionedDocument] | None

    @property
    def name(self) -> str:
        return f"{self.service}.{self.handler.__name__}"


class Listeners:
    """All listeners of a service.

    A handler is an async function that takes the event. It runs in one transaction with its inbox
    row and the events it adds to the outbox, so its effects happen once, however often the event is
    delivered. `inbox=False` is for a service without MongoDB: its handlers must be idempotent.
    """

    def __init__(self, service: str, *, inbox: bool = True) -> None:
        self.service = service
        self._inbox = inbox
        self._by_subject: dict[str, Listener] = {}

    def __iter__(self) -> Iterator[Listener]:
        return iter(self._by_subject.values())

    def on(
        self, event: type[DomainEvent], *, copy: type[VersionedDocument] | None = None
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of `event`.

        `copy` is the service's copy of the document that the event is about. The handler then runs
        for exactly the next version. For version 0 it takes the event and inserts the copy. For
        later versions it takes the event and the copy, which it must save.
        """

        def register(handler: H) -> H:
            if event.subject in self._by_subject:
                raise TypeError(f"{self.service} already listens to {event.subject}")
            if copy is not None and not issubclass(event, VersionedEvent):
                raise TypeError(f"{event.__name__} has no version for a copy to follow")
            self._by_subject[event.subject] = Listener(self.service, event, handler, copy)
            return handler

        return register

    @property
    def uses_inbox(self) -> bool:
        """Whether the service has a store, which also keeps its parked events."""
        return self._inbox

    def of(self, subject: str) -> Listener | None:
        return self._by_subject.get(subject)

    async def handle(
        self, event: DomainEvent, event_id: str, *, replay: bool = False, parked: bool = False
    ) -> Outcome:
        """Run the event's handler unless the event was handled before.

        The transaction of a parked event removes its row.

        Raises: RetryLater if an earlier event must be handled first, Unavailable if a store does
        not answer, Reject, and any other exception of the handler.
        """
        listener = self._by_subject[event.subject]
        token = _is_replay.set(replay)
        try:
            if not self._inbox:
                await listener.handler(event)
                return Outcome.HANDLED
            await _handle(listener, event, event_id, parked=parked)
        except _AlreadyHandled:
            return Outcome.DUPLICATE
        except Conflict as error:
            raise Unavailable("Other transactions keep changing the same documents") from error
        except PyMongoError as error:
            if is_unavailable(error):
                raise Unavailable("MongoDB is unavailable") from error
            raise
        finally:
            _is_replay.reset(token)
        return Outcome.HANDLED


@transactional
async def _handle(listener: Listener, event: DomainEvent, event_id: str, *, parked: bool) -> None:
    if parked and not await parked_events.delete(event_id):
        raise _AlreadyHandled
    if listener.copy is not None and isinstance(event, VersionedEvent):
        await _update_copy(listener, event, listener.copy)
        return
    try:
        await database()["inbox"].insert_one({"_id": event_id, "handled_at": utc_now()})
    except DuplicateKeyError:
        raise _AlreadyHandled from None
    await listener.handler(event)


async def _update_copy(
    listener: Listener, event: VersionedEvent, document: type[VersionedDocument]
) -> None:
    """Run the handler if the event is the next version of the copy."""
    if event.version == 0:
        try:
            await listener.handler(event)
        except DuplicateKeyError:
            raise _AlreadyHandled from None
        return
    copy = await document.get(ObjectId(event.id))
    version = copy.version if copy is not None else -1
    if event.version <= version:
        raise _AlreadyHandled
    if copy is None or event.version > version + 1:
        raise RetryLater(
            f"{event.subject} {event.id} has version {event.version}, the copy {version}",
            waits_for=event.aggregate_id,
            after_version=event.version - 1,
        )
    await listener.handler(event, copy)
    if copy.version != event.version:
        raise TypeError(f"{listener.name} must save its copy once, as version {event.version}")
