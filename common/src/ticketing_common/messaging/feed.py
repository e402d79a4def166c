"""In-memory feed of a stream's latest events, for server-sent event streams."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from time import monotonic

from ticketing_common.errors import Unavailable
from ticketing_common.events import VersionedEvent
from ticketing_common.observability import metrics

MAX_SUBSCRIBERS = 1000
"""Subscribers that one process serves at the same time."""
MAX_BACKLOG = 256
"""Items that may wait for a subscriber. One with more is disconnected and resyncs later."""
CAPACITY = 4096
"""Events that a feed keeps."""
RETRY_AFTER_SECONDS = 5
CURRENT_SECONDS = 3
"""How long a feed is current after it had all events: an idle one is checked every 2 seconds."""


class TooManySubscribers(Unavailable):
    """Too many clients follow the stream. Try again after `Retry-After` seconds."""

    code = "too_many_subscribers"
    message = "Too many clients are connected right now. Try again soon."


@dataclass(frozen=True, eq=False)
class FeedEvent:
    """A domain event and its position in the stream."""

    position: int
    event: VersionedEvent
    previous: VersionedEvent | None
    """The previous event of the same aggregate, if the feed still has it."""


@dataclass(frozen=True)
class Resync:
    """The events before this position are unknown: the subscriber must load the current state."""

    position: int


FeedItem = FeedEvent | Resync
Filter = Callable[[VersionedEvent], bool]


class Feed:
    """The latest events of one stream, in its order, and their subscribers.

    Every process has its own feed and reads the whole stream. A position is the stream's sequence
    number, so a client can continue at another replica.
    """

    def __init__(
        self,
        *events: type[VersionedEvent],
        max_subscribers: int = MAX_SUBSCRIBERS,
        max_backlog: int = MAX_BACKLOG,
        capacity: int = CAPACITY,
    ) -> None:
        self.events = events
        """The event types of the feed, all of one stream."""
        self.max_backlog = max_backlog
        self.capacity = capacity
        self.position: int | None = None
        """The position of the last event; None before the first `restart`."""
        self.stream_created: datetime | None = None
        """When the stream of the position was created. Another stream has other positions."""
        self.is_live = False
        self._max_subscribers = max_subscribers
        self._subscribers: set[Subscriber] = set()
        self._callbacks: list[Callable[[VersionedEvent | None], None]] = []
        self._complete_at: float | None = None
        self._latest: deque[FeedEvent] = deque()
        self._latest_by_aggregate: dict[str, VersionedEvent] = {}
        self._dropped_up_to = 0
        self._closed = False

    def restart(self, position: int) -> None:
        """Drop all events and continue after a position.

        Until `has_all`, appended events are history and not delivered.
        """
        self._latest.clear()
        self._latest_by_aggregate.clear()
        self._dropped_up_to = self.position = position
        self.is_live = False
        self.interrupt()
        self._call_back(None)

    def has_all(self, as_of: float | None = None) -> None:
        """Record that the feed has all events up to a time of the monotonic clock, or up to now.

        From the first time on, appended events are delivered.
        """
        self._complete_at = as_of if as_of is not None else monotonic()
        if not self.is_live and self.position is not None:
            self.is_live = True
            self._deliver(Resync(self.position))

    def interrupt(self) -> None:
        """Record that the stream cannot be read: the feed is not current until `has_all`."""
        self._complete_at = None

    @property
    def is_current(self) -> bool:
        """Whether the feed lacks no event that is older than `CURRENT_SECONDS`."""
        return self._complete_at is not None and monotonic() - self._complete_at < CURRENT_SECONDS

    def on_event(self, callback: Callable[[VersionedEvent | None], None]) -> Callable[[], None]:
        """Call `callback` with each appended event before `position` includes it.

        With None, events are lost: anything can have changed. Returns a function that unsubscribes.
        """
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def append(self, position: int, event: VersionedEvent | None) -> None:
        """Add the next event of the stream; None is a message without an event for this feed."""
        if event is None:
            self.position = position
            return
        self._call_back(event)
        self.position = position
        item = FeedEvent(position, event, self._latest_by_aggregate.get(event.aggregate_id))
        if len(self._latest) == self.capacity:
            self._drop(self._latest.popleft())
        self._latest.append(item)
        self._latest_by_aggregate[event.aggregate_id] = event
        if self.is_live:
            self._deliver(item)

    def since(self, position: int) -> list[FeedEvent] | None:
        """Return the events after a position in order, None if the feed does not have them all."""
        if self.position is None or not self._dropped_up_to <= position <= self.position:
            return None
        newest_first = takewhile(lambda item: item.position > position, reversed(self._latest))
        return list(newest_first)[::-1]

    @contextmanager
    def subscribe(self, wants: Filter | None = None) -> Iterator["Subscriber"]:
        """Subscribe to all events, or to those that `wants` accepts. Raises: TooManySubscribers."""
        if self._closed or len(self._subscribers) >= self._max_subscribers:
            raise TooManySubscribers(retry_after=RETRY_AFTER_SECONDS)
        subscriber = Subscriber(self, wants)
        self._subscribers.add(subscriber)
        metrics.SSE_STREAMS_OPEN.inc()
        try:
            yield subscriber
        finally:
            subscriber.close()

    def unsubscribe(self, subscriber: "Subscriber") -> None:
        """Deliver nothing more to the subscriber."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
            metrics.SSE_STREAMS_OPEN.dec()

    def close(self) -> None:
        """End all subscriptions and accept no new ones."""
        self._closed = True
        for subscriber in list(self._subscribers):
            subscriber.close()

    def _call_back(self, event: VersionedEvent | None) -> None:
        for callback in list(self._callbacks):
            callback(event)

    def _deliver(self, item: FeedItem) -> None:
        for subscriber in list(self._subscribers):
            subscriber.deliver(item)

    def _drop(self, item: FeedEvent) -> None:
        self._dropped_up_to = item.position
        if self._latest_by_aggregate.get(item.event.aggregate_id) is item.event:
            del self._latest_by_aggregate[item.event.aggregate_id]


class Subscriber:
    """One client's subscription to a feed. It ends if its backlog is full."""

    def __init__(self, feed: Feed, wants: Filter | None) -> None:
        self._feed = feed
        self._wants = wants or (lambda _: True)
        self._backlog: asyncio.Queue[FeedItem | None] = asyncio.Queue(feed.max_backlog)

    async def items(self, after: int | None = None) -> AsyncIterator[FeedItem]:
        """Yield the feed's items from the subscription on or, first, those after a position.

        Ends when the feed is closed or the backlog is full. A client that reconnects with the
        position of its last item misses nothing.
        """
        if after is not None:
            # A live feed has the backlog's items already. Another one sends Resync when it is live.
            if not self._feed.is_live and await self._backlog.get() is None:
                return
            missed = self._feed.since(after)
            if self._clear_backlog():
                return
            if missed is not None:
                missed = [item for item in missed if self._wants(item.event)]
            # Loading the current state is cheaper than a long history.
            if missed is None or len(missed) > self._feed.max_backlog:
                missed = []
                yield Resync(self._feed.position or 0)
            for item in missed:
                yield item
        while (next_item := await self._backlog.get()) is not None:
            yield next_item

    def deliver(self, item: FeedItem) -> None:
        """Queue an item for the client."""
        if isinstance(item, FeedEvent) and not self._wants(item.event):
            return
        try:
            self._backlog.put_nowait(item)
        except asyncio.QueueFull:
            metrics.SSE_STREAMS_DROPPED.inc()
            self.close()

    def close(self) -> None:
        """End `items`, without the rest of the backlog."""
        self._feed.unsubscribe(self)
        self._clear_backlog()
        self._backlog.put_nowait(None)

    def _clear_backlog(self) -> bool:
        """Drop all items. Returns whether the subscription was closed."""
        closed = False
        while not self._backlog.empty():
            closed = closed or self._backlog.get_nowait() is None
        return closed
