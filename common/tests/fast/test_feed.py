"""What those who watch are told, whatever the broker does."""

import asyncio

import pytest

from ticketing_common.events import TicketCreated, TicketUpdated, VersionedEvent
from ticketing_common.messaging.feed import (
    Feed,
    FeedEvent,
    FeedItem,
    Resync,
    Subscriber,
    TooManySubscribers,
)
from ticketing_testing import an_event, an_id
from ticketing_testing.patience import PATIENCE_SECONDS


def a_feed(**bounds: int) -> Feed:
    """One that has begun at 10."""
    feed = Feed(TicketCreated, TicketUpdated, **bounds)
    feed.restart(10)
    feed.go_live()
    return feed


def said(feed: Feed, *positions: int, key: str | None = None) -> list[VersionedEvent]:
    """Has the feed hear something at each of these places."""
    events = [
        an_event(TicketUpdated, id=key or an_id(), version=position) for position in positions
    ]
    for position, event in zip(positions, events, strict=True):
        feed.append(position, event)
    return list(events)


async def told(subscriber: Subscriber, count: int, after: int | None = None) -> list[FeedItem]:
    """The next that a subscriber is told, or less where that is the end."""
    news: list[FeedItem] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for each in subscriber.items(after):
            news.append(each)
            if len(news) == count:
                break
    return news


def places(news: list[FeedItem]) -> list[int]:
    assert all(isinstance(each, FeedEvent) for each in news), news
    return [each.position for each in news]


async def test_subscriber_receives_new_events() -> None:
    feed = a_feed()
    said(feed, 11)
    with feed.subscribe() as subscriber:
        events = said(feed, 12, 13)
        news = await told(subscriber, 2)

    assert [each.event for each in news if isinstance(each, FeedEvent)] == events
    assert places(news) == [12, 13]


@pytest.mark.parametrize(("after", "missed"), [(10, [11, 12, 14]), (12, [14]), (13, [14])])
async def test_reconnecting_subscriber_receives_missed_events_once(
    after: int, missed: list[int]
) -> None:
    feed = a_feed()
    said(feed, 11, 12)
    with feed.subscribe() as subscriber:
        said(feed, 14)  # 13 was nothing for us
        feed.append(15, None)

        async def comes_later() -> None:
            said(feed, 16)

        later = asyncio.create_task(comes_later())
        assert places(await told(subscriber, len(missed) + 1, after)) == [*missed, 16]
        await later


@pytest.mark.parametrize("unknown", [-1, 9, 13])
async def test_unknown_position_gets_a_resync(unknown: int) -> None:
    feed = a_feed()
    said(feed, 11, 12)
    with feed.subscribe() as subscriber:
        assert await told(subscriber, 1, unknown) == [Resync(12)]


async def test_feed_drops_events_above_its_capacity() -> None:
    feed = a_feed(capacity=3)
    said(feed, 11, 12, 13, 14, 15)

    assert [item.position for item in feed.since(12) or ()] == [13, 14, 15]
    assert feed.since(11) is None
    assert feed.since(15) == []


async def test_event_has_the_previous_event_of_its_aggregate() -> None:
    feed = a_feed(capacity=2)
    key = an_id()
    with feed.subscribe() as subscriber:
        first, second = said(feed, 11, 12, key=key)
        said(feed, 13, 14)
        said(feed, 15, key=key)
        news = await told(subscriber, 5)

    before = [each.previous for each in news if isinstance(each, FeedEvent)]
    assert before == [None, first, None, None, None]
    assert second.aggregate_id == key


async def test_subscriber_of_one_aggregate_receives_no_other() -> None:
    feed, key = a_feed(max_backlog=2), an_id()
    with feed.subscribe(key) as subscriber:
        said(feed, *range(11, 20))
        said(feed, 20, key=key)
        assert places(await told(subscriber, 1)) == [20]


async def test_full_backlog_ends_the_subscription_without_loss() -> None:
    feed = a_feed(max_backlog=3)
    with feed.subscribe() as slow, feed.subscribe() as quick:
        keeping_up = asyncio.create_task(told(quick, 6))
        for position in range(11, 17):
            said(feed, position)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert await told(slow, 1) == []
        assert len(places(await keeping_up)) == 6

    with feed.subscribe() as again:
        assert places(await told(again, 3, 13)) == [14, 15, 16]
    with feed.subscribe() as too_late:
        assert await told(too_late, 1, 12) == [Resync(16)], "a long past costs more than to look"


async def test_feed_limits_its_subscribers() -> None:
    feed = a_feed(max_subscribers=2)
    with feed.subscribe():
        with feed.subscribe(), pytest.raises(TooManySubscribers), feed.subscribe():
            pass
        with feed.subscribe():
            pass


async def test_history_is_delivered_to_reconnecting_subscribers_only() -> None:
    feed = Feed(TicketCreated)
    with feed.subscribe() as new, feed.subscribe() as returning, feed.subscribe() as stranger:
        waiting = [
            asyncio.create_task(told(new, 2)),
            asyncio.create_task(told(returning, 2, 12)),
            asyncio.create_task(told(stranger, 2, 5)),
        ]
        await asyncio.sleep(0)
        feed.restart(10)
        said(feed, 11, 12, 13)
        await asyncio.sleep(0)
        feed.go_live()
        feed.go_live()
        await asyncio.sleep(0)
        said(feed, 14)
        to_the_new, to_the_returning, to_the_stranger = await asyncio.gather(*waiting)

    assert [each.position for each in to_the_new] == [13, 14]
    assert isinstance(to_the_new[0], Resync)
    assert places(to_the_returning) == [13, 14]
    assert [each.position for each in to_the_stranger] == [13, 14]
    assert isinstance(to_the_stranger[0], Resync)


async def test_restarted_feed_sends_a_resync() -> None:
    feed = a_feed()
    with feed.subscribe() as subscriber:
        said(feed, 11)
        feed.restart(0)
        said(feed, 1)
        feed.go_live()
        said(feed, 2)
        news = await told(subscriber, 3)

    assert news[1] == Resync(1)
    assert [each.position for each in news] == [11, 1, 2]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("after", [None, 10])
async def test_closed_feed_ends_all_subscriptions(begun: bool, after: int | None) -> None:
    feed = a_feed() if begun else Feed(TicketCreated)
    with feed.subscribe() as subscriber:
        waiting = asyncio.create_task(told(subscriber, 1, after))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting == []
    with pytest.raises(TooManySubscribers), feed.subscribe():
        pass
