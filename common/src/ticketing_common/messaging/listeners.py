"""A service's listeners: which handler runs for which domain event."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from beanie.odm.utils.encoder import Encoder
from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from ticketing_common.errors import Conflict, Unavailable
from ticketing_common.events import DomainEvent, VersionedEvent, utc_now
from ticketing_common.persistence import parked_events
from ticketing_common.persistence.database import database, is_unavailable, notify_committed
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.proof import Proof
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
CopyFields = Callable[[Any], Mapping[str, Any] | None]
F = TypeVar("F", bound=CopyFields)


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
    fields: CopyFields | None = None
    proof: Proof | None = None

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
        self,
        event: type[DomainEvent],
        *,
        copy: type[VersionedDocument] | None = None,
        fields: CopyFields | None = None,
        proof: Proof | None = None,
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of `event`.

        `copy` is the service's copy of the document that the event is about. The handler then runs
        for exactly the next version. For version 0 it takes the event and inserts the copy. For
        later versions it takes the event and the copy, which it must save. If `fields` returns
        fields for an event, these are written as in `follow`, and the handler does not run.

        With `proof` the handler needs no inbox row: its document shows that it has run.
        """

        def register(handler: H) -> H:
            if event.subject in self._by_subject:
                raise TypeError(f"{self.service} already listens to {event.subject}")
            if copy is not None and not issubclass(event, VersionedEvent):
                raise TypeError(f"{event.__name__} has no version for a copy to follow")
            self._by_subject[event.subject] = Listener(
                self.service, event, handler, copy, fields, proof
            )
            return handler

        return register

    def follow(self, *events: type[DomainEvent], copy: type[VersionedDocument]) -> Callable[[F], F]:
        """Register the decorated function for a copy that follows from its events alone.

        The function takes an event and returns the fields of the copy that the event sets. The copy
        is written with one command, which only the next version matches. So it needs no transaction
        and no inbox row.
        """

        def register(fields: F) -> F:
            for event in events:
                self.on(event, copy=copy, fields=fields)(fields)  # type: ignore[type-var]
            return fields

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
            if not parked and await _write_fields(listener, event):
                return Outcome.HANDLED
            await _handle(listener, event, event_id, parked=parked)
        except _AlreadyHandled:
            return Outcome.DUPLICATE
        except DuplicateKeyError:
            if listener.proof is None or not await listener.proof.exists(event):
                raise
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
    if parked and await _write_fields(listener, event):
        return
    if listener.copy is not None and isinstance(event, VersionedEvent):
        await _update_copy(listener, event, listener.copy)
        return
    if listener.proof is not None:
        await listener.handler(event)
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
    _require_next(event, copy.version if copy is not None else -1)
    assert copy is not None
    await listener.handler(event, copy)
    if copy.version != event.version:
        raise TypeError(f"{listener.name} must save its copy once, as version {event.version}")


async def _write_fields(listener: Listener, event: DomainEvent) -> bool:
    """Write the fields that the copy takes over from the event. Returns False without any."""
    fields = listener.fields(event) if listener.fields is not None else None
    if fields is None:
        return False
    assert listener.copy is not None
    assert isinstance(event, VersionedEvent)
    await write_copy(listener.copy, event, fields)
    return True


async def write_copy(
    document: type[VersionedDocument], event: VersionedEvent, fields: Mapping[str, Any]
) -> None:
    """Insert the copy for version 0, and update exactly the version before for a later one."""
    copy_id = ObjectId(event.id)
    if event.version == 0:
        try:
            await document.model_validate({"id": copy_id, **fields}).insert()
        except DuplicateKeyError:
            raise _AlreadyHandled from None
        notify_committed(inserted(document), event.id)
        return
    collection = document.get_pymongo_collection()
    changes = Encoder(to_db=True).encode({**fields, "version": event.version})
    while True:
        result = await collection.update_one(
            {"_id": copy_id, "version": event.version - 1}, {"$set": changes}
        )
        if result.matched_count:
            return
        stored = await collection.find_one({"_id": copy_id}, {"version": 1})
        _require_next(event, stored["version"] if stored is not None else -1)
        # Another process has handled the previous version meanwhile.


def inserted(document: type[VersionedDocument]) -> str:
    """Return the topic of `database.on_commit` with the ids of copies that `follow` inserts."""
    return f"inserted {document.__module__}.{document.__name__}"


def _require_next(event: VersionedEvent, version: int) -> None:
    """Compare an event with the version of the copy, -1 for none.

    Raises: _AlreadyHandled for an old event, RetryLater after a gap.
    """
    if event.version <= version:
        raise _AlreadyHandled
    if event.version > version + 1:
        raise RetryLater(
            f"{event.subject} {event.id} has version {event.version}, the copy {version}",
            waits_for=event.aggregate_id,
            after_version=event.version - 1,
        )
