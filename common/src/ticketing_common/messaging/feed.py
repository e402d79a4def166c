"""What is new, for those who watch."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

from ticketing_common.errors import Unavailable
from ticketing_common.events import VersionedEvent
from ticketing_common.observability import telemetry

WATCHERS = 1000
"""Who may watch one process at once."""
BEHIND = 256
"""How many news a watcher may be behind, or have missed and still be told each of them."""
REMEMBERED = 4096
"""How many events are kept."""
RETRY_AFTER_SECONDS = 5


class TooManySubscribers(Unavailable):
    message = "Too many are watching right now, try again soon"


@dataclass(frozen=True, eq=False)
class FeedEvent:
    """An event, and its place in its stream."""

    position: int
    event: VersionedEvent
    before: VersionedEvent | None
    """What was heard of the same document before, where that is remembered."""


@dataclass(frozen=True)
class Resync:
    """It is not known what was missed up to this place: look at the present state."""

    position: int


FeedItem = FeedEvent | Resync


class Feed:
    """What is said in one stream, in its order: the latest of it, and whatever comes.

    Each replica has its own, and hears the whole stream. A place in the stream is a number that
    all replicas share, so one who watched another replica can go on here.
    """

    def __init__(
        self,
        *events: type[VersionedEvent],
        watchers: int = WATCHERS,
        behind: int = BEHIND,
        remembered: int = REMEMBERED,
    ) -> None:
        self.events = events
        """All of one stream."""
        self.behind = behind
        self.remembered = remembered
        self.position: int | None = None
        """Where it is. Whatever was said up to here was committed before; None: not begun yet."""
        self._room = watchers
        self._watchers: set[Subscriber] = set()
        self._latest: deque[FeedEvent] = deque()
        self._latest_of: dict[str, VersionedEvent] = {}
        self._forgotten_up_to = 0
        self.is_live = False
        self._closed = False

    def begin_after(self, position: int) -> None:
        """Forget everything. What is heard up to `go_live` is the past, and told to nobody."""
        self._latest.clear()
        self._latest_of.clear()
        self._forgotten_up_to = self.position = position
        self.is_live = False

    def go_live(self) -> None:
        """The past has been heard; what comes from here is new. Again is fine, and does nothing."""
        if not self.is_live and self.position is not None:
            self.is_live = True
            self._tell(Resync(self.position))

    def hear(self, position: int, event: VersionedEvent | None) -> None:
        """Remember the next of the stream, and tell of it. None: nothing for anybody."""
        self.position = position
        if event is None:
            return
        heard = FeedEvent(position, event, self._latest_of.get(event.key))
        if len(self._latest) == self.remembered:
            self._forget(self._latest.popleft())
        self._latest.append(heard)
        self._latest_of[event.key] = event
        if self.is_live:
            self._tell(heard)

    def since(self, position: int) -> list[FeedEvent] | None:
        """All that was heard after that place, in order; None where it is not known any more."""
        if self.position is None or not self._forgotten_up_to <= position <= self.position:
            return None
        newest_first = takewhile(lambda heard: heard.position > position, reversed(self._latest))
        return list(newest_first)[::-1]

    @contextmanager
    def watcher(self, key: str | None = None) -> Iterator["Subscriber"]:
        """One who watches, from now on: everything, or what is said of the document `key`.

        Raises TooManySubscribers.
        """
        if self._closed or len(self._watchers) >= self._room:
            raise TooManySubscribers(retry_after=RETRY_AFTER_SECONDS)
        watcher = Subscriber(self, key)
        self._watchers.add(watcher)
        telemetry.STREAMS_OPEN.inc()
        try:
            yield watcher
        finally:
            watcher.end()

    def dismiss(self, watcher: "Subscriber") -> None:
        """Tell it nothing more; its place is free."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            telemetry.STREAMS_OPEN.dec()

    def close(self) -> None:
        """End every watcher's news, and take no new ones."""
        self._closed = True
        for watcher in list(self._watchers):
            watcher.end()

    def _tell(self, news: FeedItem) -> None:
        for watcher in list(self._watchers):
            watcher.tell(news)

    def _forget(self, heard: FeedEvent) -> None:
        self._forgotten_up_to = heard.position
        if self._latest_of.get(heard.event.key) is heard.event:
            del self._latest_of[heard.event.key]


class Subscriber:
    """One who is told the news, for as long as it keeps up with them."""

    def __init__(self, feed: Feed, key: str | None) -> None:
        self._feed = feed
        self._key = key
        self._waiting: asyncio.Queue[FeedItem | None] = asyncio.Queue(feed.behind)

    async def news(self, after: int | None = None) -> AsyncIterator[FeedItem]:
        """What is heard since it began to watch or, first, since that place in the stream.

        Ends when the feed closes, and where too much has come that was not read. Whoever comes
        again with the place of the last news has missed nothing.
        """
        if after is not None:
            # What waits is in the past of a feed that is live. One that is not says when it is.
            if not self._feed.is_live and await self._waiting.get() is None:
                return
            missed = self._feed.since(after)
            if self._drop_what_waits():
                return
            # To look at the present state costs less than to be told of a long past.
            if missed is None or len(missed) > self._feed.behind:
                missed = []
                yield Resync(self._feed.position or 0)
            for heard in missed:
                yield heard
        while (news := await self._waiting.get()) is not None:
            yield news

    def tell(self, news: FeedItem) -> None:
        if isinstance(news, FeedEvent) and self._key not in (None, news.event.key):
            return
        try:
            self._waiting.put_nowait(news)
        except asyncio.QueueFull:
            telemetry.STREAMS_DROPPED.inc()
            self.end()

    def end(self) -> None:
        """Say no more, not even what waits."""
        self._feed.dismiss(self)
        self._drop_what_waits()
        self._waiting.put_nowait(None)

    def _drop_what_waits(self) -> bool:
        """Gives whether the end was in it."""
        ended = False
        while not self._waiting.empty():
            ended = ended or self._waiting.get_nowait() is None
        return ended
