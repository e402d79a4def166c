import asyncio

import pytest

from ticketing_common.events import TicketCreated, TicketUpdated, VersionedEvent
from ticketing_common.messaging import feed as feed_module
from ticketing_common.messaging.feed import (
    Feed,
    FeedEvent,
    FeedItem,
    Resync,
    Subscriber,
    TooManySubscribers,
)
from ticketing_testing import new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS


def create_feed(**bounds: int) -> Feed:
    """Return a live feed that starts at position 10."""
    feed = Feed(TicketCreated, TicketUpdated, **bounds)
    feed.restart(10)
    feed.has_all()
    return feed


def append_events(feed: Feed, *positions: int, key: str | None = None) -> list[VersionedEvent]:
    """Append an event at each of these positions."""
    events = [
        new_event(TicketUpdated, id=key or new_id(), version=position) for position in positions
    ]
    for position, event in zip(positions, events, strict=True):
        feed.append(position, event)
    return list(events)


async def next_items(
    subscriber: Subscriber, count: int, after: int | None = None
) -> list[FeedItem]:
    """Return the next items, fewer if the subscription ends."""
    items: list[FeedItem] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        async for each in subscriber.items(after):
            items.append(each)
            if len(items) == count:
                break
    return items


def positions(items: list[FeedItem]) -> list[int]:
    assert all(isinstance(each, FeedEvent) for each in items), items
    return [each.position for each in items]


async def test_subscriber_receives_new_events() -> None:
    feed = create_feed()
    append_events(feed, 11)
    with feed.subscribe() as subscriber:
        events = append_events(feed, 12, 13)
        items = await next_items(subscriber, 2)

    assert [each.event for each in items if isinstance(each, FeedEvent)] == events
    assert positions(items) == [12, 13]


@pytest.mark.parametrize(("after", "missed"), [(10, [11, 12, 14]), (12, [14]), (13, [14])])
async def test_reconnecting_subscriber_receives_missed_events_once(
    after: int, missed: list[int]
) -> None:
    feed = create_feed()
    append_events(feed, 11, 12)
    with feed.subscribe() as subscriber:
        append_events(feed, 14)  # 13 has no event of this feed
        feed.append(15, None)

        async def append_later() -> None:
            append_events(feed, 16)

        later = asyncio.create_task(append_later())
        assert positions(await next_items(subscriber, len(missed) + 1, after)) == [*missed, 16]
        await later


@pytest.mark.parametrize("unknown", [-1, 9, 13])
async def test_unknown_position_gets_a_resync(unknown: int) -> None:
    feed = create_feed()
    append_events(feed, 11, 12)
    with feed.subscribe() as subscriber:
        assert await next_items(subscriber, 1, unknown) == [Resync(12)]


async def test_feed_drops_events_above_its_capacity() -> None:
    feed = create_feed(capacity=3)
    append_events(feed, 11, 12, 13, 14, 15)

    assert [item.position for item in feed.since(12) or ()] == [13, 14, 15]
    assert feed.since(11) is None
    assert feed.since(15) == []


async def test_event_has_the_previous_event_of_its_aggregate() -> None:
    feed = create_feed(capacity=2)
    key = new_id()
    with feed.subscribe() as subscriber:
        first, second = append_events(feed, 11, 12, key=key)
        append_events(feed, 13, 14)
        append_events(feed, 15, key=key)
        items = await next_items(subscriber, 5)

    before = [each.previous for each in items if isinstance(each, FeedEvent)]
    assert before == [None, first, None, None, None]
    assert second.aggregate_id == key


async def test_subscriber_with_a_filter_receives_no_other_events() -> None:
    feed, key = create_feed(max_backlog=2), new_id()
    with feed.subscribe(lambda event: event.aggregate_id == key) as subscriber:
        append_events(feed, *range(11, 20))
        append_events(feed, 20, key=key)
        assert positions(await next_items(subscriber, 1)) == [20]

    with feed.subscribe(lambda event: event.aggregate_id == key) as returning:
        append_events(feed, 21)
        append_events(feed, 22, key=key)
        assert positions(await next_items(returning, 2, 10)) == [20, 22], "also of those it missed"


async def test_full_backlog_ends_the_subscription_without_loss() -> None:
    feed = create_feed(max_backlog=3)
    with feed.subscribe() as slow, feed.subscribe() as quick:
        keeping_up = asyncio.create_task(next_items(quick, 6))
        for position in range(11, 17):
            append_events(feed, position)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert await next_items(slow, 1) == []
        assert len(positions(await keeping_up)) == 6

    with feed.subscribe() as again:
        assert positions(await next_items(again, 3, 13)) == [14, 15, 16]
    with feed.subscribe() as too_late:
        assert await next_items(too_late, 1, 12) == [Resync(16)], (
            "a resync is cheaper than a long history"
        )


async def test_feed_limits_its_subscribers() -> None:
    feed = create_feed(max_subscribers=2)
    with feed.subscribe():
        with feed.subscribe(), pytest.raises(TooManySubscribers), feed.subscribe():
            pass
        with feed.subscribe():
            pass


async def test_history_is_delivered_to_reconnecting_subscribers_only() -> None:
    feed = Feed(TicketCreated)
    with feed.subscribe() as new, feed.subscribe() as returning, feed.subscribe() as unknown:
        waiting = [
            asyncio.create_task(next_items(new, 2)),
            asyncio.create_task(next_items(returning, 2, 12)),
            asyncio.create_task(next_items(unknown, 2, 5)),
        ]
        await asyncio.sleep(0)
        feed.restart(10)
        append_events(feed, 11, 12, 13)
        await asyncio.sleep(0)
        feed.has_all()
        feed.has_all()
        await asyncio.sleep(0)
        append_events(feed, 14)
        received_by_new, received_by_returning, received_by_stranger = await asyncio.gather(
            *waiting
        )

    assert [each.position for each in received_by_new] == [13, 14]
    assert isinstance(received_by_new[0], Resync)
    assert positions(received_by_returning) == [13, 14]
    assert [each.position for each in received_by_stranger] == [13, 14]
    assert isinstance(received_by_stranger[0], Resync)


async def test_restarted_feed_sends_a_resync() -> None:
    feed = create_feed()
    with feed.subscribe() as subscriber:
        append_events(feed, 11)
        feed.restart(0)
        append_events(feed, 1)
        feed.has_all()
        append_events(feed, 2)
        items = await next_items(subscriber, 3)

    assert items[1] == Resync(1)
    assert [each.position for each in items] == [11, 1, 2]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("after", [None, 10])
async def test_closed_feed_ends_all_subscriptions(begun: bool, after: int | None) -> None:
    feed = create_feed() if begun else Feed(TicketCreated)
    with feed.subscribe() as subscriber:
        waiting = asyncio.create_task(next_items(subscriber, 1, after))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting == []
    with pytest.raises(TooManySubscribers), feed.subscribe():
        pass


def test_feed_is_current_for_a_time_after_it_had_all_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(feed_module, "monotonic", lambda: now)
    feed = Feed(TicketCreated)
    assert not feed.is_current
    feed.restart(10)
    assert not feed.is_current

    feed.has_all()
    assert feed.is_current
    now += feed_module.CURRENT_SECONDS - 0.1
    assert feed.is_current
    now += 0.1
    assert not feed.is_current

    feed.has_all()
    feed.interrupt()
    assert not feed.is_current
    feed.has_all()
    feed.restart(20)
    assert not feed.is_current


def test_feed_calls_back_before_its_position_includes_an_event() -> None:
    feed = create_feed()
    calls: list[tuple[object, int | None]] = []
    unsubscribe = feed.on_event(lambda event: calls.append((event, feed.position)))

    (event,) = append_events(feed, 11)
    feed.append(12, None)  # a message without an event
    feed.restart(20)
    unsubscribe()
    append_events(feed, 21)

    assert calls == [(event, 10), (None, 20)]
