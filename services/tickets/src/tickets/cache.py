"""Serialized tickets and first pages of the list, in the memory of each process.

They follow the feed of tickets and the commits of this process. docs/reads.md describes the
guarantees for readers.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from bson import ObjectId

from ticketing_common.errors import NotFound
from ticketing_common.events import TicketDeleted, VersionedEvent
from ticketing_common.messaging.feed import Feed
from ticketing_common.observability import metrics
from ticketing_common.persistence import outbox
from ticketing_common.web.conditional import JsonBody
from tickets.schemas import Sort

MAX_AGE_SECONDS = 5
"""How old a cached body may be even if the feed reports no change of it."""
MAX_TICKETS, MAX_PAGES = 5000, 64
MAX_BYTES = 4 * 2**20
"""The most that tickets, and that pages, may occupy."""

_DELETED = 2**62
"""Later than every version."""
_HITS, _MISSES, _BYPASSES = (
    metrics.TICKET_CACHE_READS.labels(outcome) for outcome in ("hit", "miss", "bypass")
)


@dataclass(frozen=True)
class PageBounds:
    """Which tickets for sale belong on a page of the list."""

    sort: Sort
    last: tuple[int, ObjectId] | None
    """Price and id of the last row that was read, None if all rows are on the page."""

    def include(self, price: int, ticket_id: ObjectId) -> bool:
        """Return whether a ticket for sale belongs on the page or is the first after it."""
        if self.last is None:
            return True
        if self.sort == Sort.NEWEST:
            return ticket_id > self.last[1]
        position = (price, ticket_id)
        return position < self.last if self.sort == Sort.PRICE_ASCENDING else position > self.last


@dataclass(frozen=True)
class Snapshot:
    """A body and the versions of the tickets in it."""

    body: JsonBody
    versions: Mapping[str, int]
    bounds: PageBounds | None = None
    """None for a single ticket."""

    def is_outdated_by(self, event: VersionedEvent) -> bool:
        """Return whether the body differs after the event."""
        version = self.versions.get(event.id)
        if version is not None:
            return version < event.version
        if self.bounds is None or isinstance(event, TicketDeleted):
            return False
        if getattr(event, "order_id", None) is not None:
            return False
        return self.bounds.include(event.price, ObjectId(event.id))  # type: ignore[attr-defined]

    def is_older_than(self, versions: Mapping[str, int]) -> bool:
        """Return whether a ticket has a later version in `versions`."""
        if len(versions) > len(self.versions):
            return any(versions.get(each, -1) > mine for each, mine in self.versions.items())
        return any(self.versions.get(each, other) < other for each, other in versions.items())


@dataclass
class _Load:
    """A running read that several requests wait for."""

    task: "asyncio.Task[Snapshot] | None" = None
    seen: dict[str, int] = field(default_factory=dict)
    """The versions that other reads returned since it began."""


Load = Callable[[], Awaitable[Snapshot]]


class Shelf:
    """Snapshots by key: the least recently used ones leave when there are too many."""

    def __init__(self, max_entries: int, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, tuple[float, Snapshot]] = OrderedDict()
        self._bytes = 0
        self.loads: dict[str, _Load] = {}

    def get(self, key: str) -> Snapshot | None:
        """Return a snapshot that has not expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] < monotonic():
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: str, snapshot: Snapshot, expires_at: float) -> None:
        self.drop(key)
        self._entries[key] = expires_at, snapshot
        self._bytes += len(snapshot.body.content)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry[1].body.content)

    def drop_where(self, condition: Callable[[Snapshot], bool]) -> None:
        for key in [key for key, (_, each) in self._entries.items() if condition(each)]:
            self.drop(key)

    def __iter__(self) -> Iterator[tuple[str, Snapshot]]:
        return iter([(key, snapshot) for key, (_, snapshot) in self._entries.items()])


class TicketCache:
    """The cached tickets and pages of one process."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._event_types = {event.subject: event for event in feed.events}
        self.tickets = Shelf(MAX_TICKETS)
        self.pages = Shelf(MAX_PAGES)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the feed and the commits of this process for the block."""
        unsubscribe = [
            self._feed.on_event(self.on_event),
            outbox.on_commit(self._on_commit),
        ]
        try:
            yield
        finally:
            for each in unsubscribe:
                each()

    async def get(self, shelf: Shelf, key: str, load: Load, *, fresh: bool = False) -> Snapshot:
        """Return the cached snapshot of the key, or else the one that `load` reads.

        Requests for one key wait for one read. With `fresh`, a request always reads by itself.
        """
        if fresh or not self._feed.is_current:
            _BYPASSES.inc()
            snapshot = await self._read(key, load)
            self.saw(snapshot.versions)
            return snapshot
        cached = shelf.get(key)
        if cached is not None:
            _HITS.inc()
            return cached
        _MISSES.inc()
        running = shelf.loads.get(key)
        if running is None:
            running = shelf.loads[key] = _Load()
            running.task = asyncio.create_task(self._load(shelf, key, running, load))
            # Nobody may be left who waits for its exception.
            running.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        assert running.task is not None
        return await asyncio.shield(running.task)

    def saw(self, versions: Mapping[str, int], during: _Load | None = None) -> None:
        """Drop everything older than the versions that a read has returned.

        After that, no reader of this process gets an older version.
        """
        for ticket_id in versions:
            cached = self.tickets.get(ticket_id)
            if cached is not None and cached.is_older_than(versions):
                self.tickets.drop(ticket_id)
            if (load := self.tickets.loads.get(ticket_id)) is not None and load is not during:
                load.seen[ticket_id] = max(versions[ticket_id], load.seen.get(ticket_id, 0))
        self.pages.drop_where(lambda page: page.is_older_than(versions))
        for load in self.pages.loads.values():
            if load is not during:
                for ticket_id, version in versions.items():
                    load.seen[ticket_id] = max(version, load.seen.get(ticket_id, 0))

    def on_event(self, event: VersionedEvent | None) -> None:
        """Drop everything that differs after the event; with None, everything."""
        if event is None:
            self.tickets.drop_where(lambda _: True)
            self.pages.drop_where(lambda _: True)
            self.tickets.loads.clear()
            self.pages.loads.clear()
            return
        cached = self.tickets.get(event.id)
        if cached is not None and cached.is_outdated_by(event):
            self.tickets.drop(event.id)
        self.pages.drop_where(lambda page: page.is_outdated_by(event))
        self._detach_loads(event.id)

    def _on_commit(self, row: outbox.Row) -> None:
        self.on_event(row.envelope.decode(self._event_types[row.subject]))

    def _detach_loads(self, ticket_id: str) -> None:
        """Neither store nor share the running reads that perhaps began before a change."""
        self.tickets.loads.pop(ticket_id, None)
        self.pages.loads.clear()

    async def _read(self, key: str, load: Load) -> Snapshot:
        try:
            return await load()
        except NotFound:
            self.saw({key: _DELETED})
            raise

    async def _load(self, shelf: Shelf, key: str, this: _Load, load: Load) -> Snapshot:
        try:
            while True:
                expires_at = monotonic() + MAX_AGE_SECONDS
                this.seen.clear()
                snapshot = await self._read(key, load)
                # Another read returned a later version: those who ask now may know it already.
                if not snapshot.is_older_than(this.seen):
                    break
            self.saw(snapshot.versions, during=this)
            if shelf.loads.get(key) is this:
                shelf.put(key, snapshot, expires_at)
            return snapshot
        finally:
            if shelf.loads.get(key) is this:
                del shelf.loads[key]
