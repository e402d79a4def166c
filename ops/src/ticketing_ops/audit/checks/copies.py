"""Check of copies: each equals its source, field by field, at the same version."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bson import ObjectId

from ticketing_common.events import utc_now
from ticketing_common.messaging.listeners import STREAM_RETENTION
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.repairs import ResendEvents
from ticketing_ops.audit.scan import Row, Scan, merge_join, value_at


def _never(_: Row) -> bool:
    return False


@dataclass(frozen=True)
class Copy:
    """A service's copies of another service's documents."""

    of: str
    """The kind of the source document."""
    source: tuple[str, str]
    """The service and the collection."""
    copy: tuple[str, str]
    stream: str
    """The stream of the source's events."""
    fields: Mapping[str, str]
    """The copy's fields, each with the field of the source that it equals."""
    translated: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    """For a field of the copy that has other values: the copy's value by the source's."""
    optional: tuple[str, ...] = ()
    """Fields that older copies lack."""
    is_deleted: Callable[[Row], bool] = _never
    """Whether a copy is marked as deleted."""
    kept_after_deletion: bool = False
    """Whether a copy is kept unmarked when its source is deleted."""
    is_dispensable: Callable[[Row], bool] = _never
    """Whether a source may have no copy any more."""

    @property
    def name(self) -> str:
        return f"{self.of} in {self.copy[0]}"

    async def find(self, scan: Scan) -> AsyncGenerator[Finding, None]:
        """Compare the two collections, document by document."""
        sources = scan.rows(*self.source, *self.fields.values())
        names = [name for name in (*self.fields, "deleted") if name != "_id"]
        copies = scan.rows(*self.copy, *names)
        async for document, source, copy in merge_join(sources, copies):
            finding = self._compare(
                document, source[0] if source else None, copy[0] if copy else None
            )
            if finding is not None:
                yield finding

    def _compare(self, document: str, source: Row | None, copy: Row | None) -> Finding | None:
        service = self.copy[0]
        ids = {self.of: document, "service": service}
        subject = f"The copy of {self.of} {document} in {service}"
        resend = ResendEvents(service, self.stream, document)
        if copy is None:
            if source is None or self.is_dispensable(source):
                return None
            problem = f"{service} has no copy of {self.of} {document}"
            return Finding(kinds.COPY_MISSING, ids, problem, target=document, repair=resend)
        state = str({name: _comparable(copy.get(name)) for name in self.fields})
        if source is None:
            if self.kept_after_deletion or self.is_deleted(copy):
                return None
            problem = f"{subject} has no source in {self.source[0]}"
            return Finding(kinds.COPY_WITHOUT_SOURCE, ids, problem, document, state, resend)
        if self.is_deleted(copy):
            problem = f"{subject} is marked as deleted, and the source exists"
            return Finding(kinds.COPY_DIFFERS, ids, problem, document, state)
        differences = list(self._differences(source, copy))
        if not differences:
            return None
        problem = f"{subject} differs: {'; '.join(differences)}"
        copied, current = copy.get("version"), source.get("version")
        if "version" not in self.fields or copied is None or current is None:
            return Finding(kinds.COPY_DIFFERS, ids, problem, document, state, resend)
        if copied < current:
            missing = ResendEvents(service, self.stream, document, after=copied)
            return Finding(kinds.COPY_BEHIND, ids, problem, document, state, missing)
        # The service ignores events of versions that it has, so there is no repair.
        return Finding(kinds.COPY_DIFFERS, ids, problem, document, state)

    def _differences(self, source: Row, copy: Row) -> list[str]:
        found = []
        for name, path in self.fields.items():
            actual, expected = _comparable(copy.get(name)), _comparable(value_at(source, path))
            if name in self.translated:
                expected = self.translated[name].get(expected, expected)
            if actual != expected and not (name in self.optional and not actual):
                found.append(f"{name} is {actual!s}, should be {expected!s}")
        return found


def _comparable(value: Any) -> Any:
    """Convert an id to text, as some services store it."""
    return str(value) if isinstance(value, ObjectId) else value


def _is_marked(copy: Row) -> bool:
    return bool(copy.get("deleted"))


def _is_old(order: Row) -> bool:
    """Return whether tickets may have deleted the hold of this order.

    It does so one day after the stream has deleted the events of the order.
    """
    created_at: Any = order["_id"].generation_time
    return bool(created_at < utc_now() - STREAM_RETENTION + timedelta(days=1))


COPIES = (
    Copy(
        of="ticket",
        source=("tickets", "tickets"),
        copy=("orders", "tickets"),
        stream="TICKET",
        fields={"version": "version", "title": "title", "price": "price"},
        is_deleted=_is_marked,
    ),
    Copy(
        of="ticket",
        source=("tickets", "tickets"),
        copy=("contact", "tickets"),
        stream="TICKET",
        fields={"version": "version", "title": "title", "price": "price", "user_id": "user_id"},
        kept_after_deletion=True,
    ),
    Copy(
        of="order",
        source=("orders", "orders"),
        copy=("payments", "orders"),
        stream="ORDER",
        fields={
            "version": "version",
            "status": "status",
            "price": "ticket.price",
            "title": "ticket.title",
            "ticket_id": "ticket.id",
            "user_id": "user_id",
            "expires_at": "expires_at",
        },
        optional=("title",),
    ),
    Copy(
        of="order",
        source=("orders", "orders"),
        copy=("contact", "orders"),
        stream="ORDER",
        fields={"title": "ticket.title", "price": "ticket.price", "user_id": "user_id"},
    ),
    Copy(
        of="order",
        source=("orders", "orders"),
        copy=("tickets", "holds"),
        stream="ORDER",
        fields={"state": "status"},
        translated={
            "state": {
                "created": "held",
                "awaiting:payment": "held",
                "complete": "sold",
                "cancelled": "released",
            }
        },
        is_dispensable=_is_old,
    ),
    Copy(
        of="user",
        source=("auth", "users"),
        copy=("contact", "recipients"),
        stream="USER",
        fields={"email": "email"},
    ),
)
