"""Every copy equals its source, field by field, at the same version."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bson import Decimal128, ObjectId

from ticketing_common.events import utc_now
from ticketing_common.messaging.listeners import STREAM_RETENTION
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.joins import side_by_side
from ticketing_ops.audit.looking import Look, Row, value_at
from ticketing_ops.audit.repairs import Resend


def _never(_: Row) -> bool:
    return False


@dataclass(frozen=True)
class Copy:
    """What one service keeps of another's documents."""

    of: str
    """What it is a copy of, in one word."""
    source: tuple[str, str]
    """The service and the collection."""
    copy: tuple[str, str]
    stream: str
    """Which tells of the source."""
    fields: Mapping[str, str]
    """The copy's fields, each with the source's field that it equals."""
    translated: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    """For a field that says the same in other words."""
    since_later: tuple[str, ...] = ()
    """Fields that copies from before a release lack, and that say nothing there."""
    is_buried: Callable[[Row], bool] = _never
    """Whether a copy says that its source is gone."""
    outlives: bool = False
    """Whether a copy is kept when its source is gone, and does not say so."""
    is_forgotten: Callable[[Row], bool] = _never
    """Of a source: whether there need be no copy any more."""

    @property
    def name(self) -> str:
        return f"{self.of} at {self.copy[0]}"

    async def find(self, look: Look) -> AsyncGenerator[Finding, None]:
        """Compare the two collections, document by document."""
        sources = look.rows(*self.source, *self.fields.values())
        wanted = [name for name in (*self.fields, "deleted") if name != "_id"]
        copies = look.rows(*self.copy, *wanted)
        async for key, source, copy in side_by_side(sources, copies):
            finding = self._compare(key, source[0] if source else None, copy[0] if copy else None)
            if finding is not None:
                yield finding

    def _compare(self, key: str, source: Row | None, copy: Row | None) -> Finding | None:
        ids = {self.of: key, "service": self.copy[0]}
        whose = f"The copy of {self.of} {key} at {self.copy[0]}"
        again = Resend(self.copy[0], self.stream, key)
        if copy is None:
            if source is None or self.is_forgotten(source):
                return None
            problem = f"{self.copy[0]} has no copy of {self.of} {key}"
            return Finding(kinds.COPY_MISSING, ids, problem, about=key, repair=again)
        seen = str({name: _plain(copy.get(name)) for name in self.fields})
        if source is None:
            if self.outlives or self.is_buried(copy):
                return None
            problem = f"{whose} has no source in {self.source[0]}"
            return Finding(kinds.COPY_OUTLIVES, ids, problem, key, seen, again)
        if self.is_buried(copy):
            problem = f"{whose} says that it is gone, and it is there"
            return Finding(kinds.COPY_DIFFERS, ids, problem, key, seen)
        differences = list(self._differences(source, copy))
        if not differences:
            return None
        problem = f"{whose} differs: {'; '.join(differences)}"
        have, has = copy.get("version"), source.get("version")
        if "version" not in self.fields or have is None or has is None:
            return Finding(kinds.COPY_DIFFERS, ids, problem, key, seen, again)
        if have < has:
            lacks = Resend(self.copy[0], self.stream, key, after=have)
            return Finding(kinds.COPY_BEHIND, ids, problem, key, seen, lacks)
        # What a copy of this version has heard is passed over when it is said again.
        return Finding(kinds.COPY_DIFFERS, ids, problem, key, seen)

    def _differences(self, source: Row, copy: Row) -> list[str]:
        found = []
        for name, path in self.fields.items():
            mine, theirs = _plain(copy.get(name)), _plain(value_at(source, path))
            if name in self.translated:
                theirs = self.translated[name].get(theirs, theirs)
            if mine != theirs and not (name in self.since_later and not mine):
                found.append(f"{name} is {mine!s}, should be {theirs!s}")
        return found


def _plain(value: Any) -> Any:
    """As both sides would write it: an id is its text, a price a number."""
    if isinstance(value, ObjectId):
        return str(value)
    return value.to_decimal() if isinstance(value, Decimal128) else value


def _says_deleted(copy: Row) -> bool:
    return bool(copy.get("deleted"))


def _is_old(order: Row) -> bool:
    """tickets forgets an order a day after the stream has."""
    made: Any = order["_id"].generation_time
    return bool(made < utc_now() - STREAM_RETENTION + timedelta(days=1))


def _cutoffs_at(service: str) -> Copy:
    return Copy(
        of="session cutoff",
        source=("auth", "session_cutoffs"),
        copy=(service, "session_cutoffs"),
        stream="USER",
        fields={"changed_at": "changed_at"},
    )


COPIES = (
    Copy(
        of="ticket",
        source=("tickets", "tickets"),
        copy=("orders", "tickets"),
        stream="TICKET",
        fields={"version": "version", "title": "title", "price": "price"},
        is_buried=_says_deleted,
    ),
    Copy(
        of="ticket",
        source=("tickets", "tickets"),
        copy=("contact", "tickets"),
        stream="TICKET",
        fields={"version": "version", "title": "title", "price": "price", "user_id": "user_id"},
        outlives=True,
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
        since_later=("title",),
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
        is_forgotten=_is_old,
    ),
    Copy(
        of="user",
        source=("auth", "users"),
        copy=("contact", "recipients"),
        stream="USER",
        fields={"email": "email"},
    ),
    *(_cutoffs_at(service) for service in ("tickets", "orders", "payments")),
)
