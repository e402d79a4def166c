"""Limits of one buyer's orders: how many are unpaid at a time, and a pause after unpaid ones."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ticketing_common.errors import RateLimited
from ticketing_common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    VersionedEvent,
    utc_now,
)
from ticketing_common.limits.limiter import Limiter
from ticketing_common.messaging.feed import Feed
from ticketing_common.persistence import outbox

EXPIRED_ORDERS = "expired_orders_by_account"


class TooManyLiveOrders(RateLimited):
    """The buyer has too many unpaid orders. Pay or cancel one of them."""

    code = "too_many_live_orders"
    message = "You have too many unpaid orders. Pay or cancel one of them first."


class BuyerLimits:
    """The unpaid orders of each buyer, as the feed of all replicas has them.

    A limit of them costs an order no command. An order that another replica places at the same
    moment is not known yet, and after a restart the feed has its latest events only: then a buyer
    can have a few more.
    """

    def __init__(self, feed: Feed, limiter: Limiter, max_live: int) -> None:
        self._feed = feed
        self._limiter = limiter
        self._max_live = max_live
        self._events: dict[str, type[VersionedEvent]] = {
            event.subject: event for event in (OrderCreated, OrderCancelled, OrderCompleted)
        }
        self._live: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
        """By buyer and order, the end of the time to pay."""
        self._placing: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def placing(self, user_id: str) -> Iterator[None]:
        """Count an order that the block places. Raises: TooManyLiveOrders."""
        live = self._live.get(user_id, {})
        if len(live) + self._placing[user_id] >= self._max_live:
            first_end = min(live.values(), default=utc_now())
            seconds = int((first_end - utc_now()).total_seconds())
            raise TooManyLiveOrders(TooManyLiveOrders.message, retry_after=max(1, seconds))
        self._placing[user_id] += 1
        try:
            yield
        finally:
            self._placing[user_id] -= 1
            if not self._placing[user_id]:
                del self._placing[user_id]

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the feed and the commits of this process for the block."""
        unsubscribe = [self._feed.on_event(self.on_event), outbox.on_commit(self._on_commit)]
        try:
            yield
        finally:
            for each in unsubscribe:
                each()

    def on_event(self, event: VersionedEvent | None) -> None:
        """Apply an event of an order; with None, forget all orders: the feed starts again."""
        match event:
            case None:
                self._live.clear()
            case OrderCreated():
                self._live[event.user_id][event.id] = event.expires_at
            case OrderCancelled() | OrderCompleted():
                self._live[event.user_id].pop(event.id, None)
                if not self._live[event.user_id]:
                    del self._live[event.user_id]

    def _on_commit(self, row: outbox.Row) -> None:
        event_type = self._events.get(row.subject)
        if event_type is None:
            return
        event = row.envelope.decode(event_type)
        self.on_event(event)
        # One replica commits it, so it is counted once.
        if isinstance(event, OrderCancelled) and event.reason == CancelReason.EXPIRED:
            task = asyncio.create_task(self._limiter.hit(EXPIRED_ORDERS, event.user_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
