import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from ticketing_common.background import background
from ticketing_common.events import TicketCreated, TicketUpdated
from ticketing_common.messaging.feed import Feed, FeedEvent, Resync, Subscriber
from ticketing_common.messaging.feed_reader import IDLE_SECONDS, keep_feed_current
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, TestEnvironment, eventually, new_event
from ticketing_testing.timeouts import TIMEOUT_SECONDS


@pytest.fixture
async def bus(environment: TestEnvironment) -> AsyncIterator[Bus]:
    async with Bus.open(environment.nats_url) as bus:
        yield bus


@asynccontextmanager
async def following(js: JetStreamContext, feed: Feed) -> AsyncIterator[None]:
    async with background(keep_feed_current(js, feed)):
        assert await eventually(lambda: _is_live(feed))
        yield


async def _is_live(feed: Feed) -> bool:
    return feed.is_live


async def publish_titles(bus: Bus, *titles: str) -> None:
    await bus.publish(*(new_event(TicketCreated, title=title) for title in titles))


async def titles(subscriber: Subscriber, count: int, after: int | None = None) -> list[str]:
    """Return the titles of the next events, "resync" for a resync."""
    found: list[str] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        async for item in subscriber.items(after):
            title = "resync" if isinstance(item, Resync) else getattr(item.event, "title", "?")
            found.append(title)
            if len(found) == count:
                break
    return found


def events_of(feed: Feed) -> list[FeedEvent]:
    assert feed.position is not None
    first = next(after for after in range(feed.position + 1) if feed.since(after) is not None)
    return feed.since(first) or []


async def test_feed_reader_starts_with_the_latest_events(bus: Bus) -> None:
    await publish_titles(bus, *(f"{number}" for number in range(600)))
    feed = Feed(TicketCreated, TicketUpdated, capacity=500)

    async with following(bus.js, feed):
        await publish_titles(bus, "600")
        with feed.subscribe() as subscriber:
            assert await titles(subscriber, 2, 599) == ["599", "600"]

    assert [item.position for item in events_of(feed)] == list(range(102, 602))


async def test_feed_reader_skips_invalid_messages(bus: Bus) -> None:
    await publish_titles(bus, "a")
    await bus.publish_raw(TicketCreated, b"{")
    feed = Feed(TicketUpdated, TicketCreated)
    async with following(bus.js, feed):
        assert feed.position == 2
        await publish_titles(bus, "b")
        with feed.subscribe() as subscriber:
            assert await titles(subscriber, 2, 0) == ["a", "b"]


async def test_feed_reader_resyncs_after_a_recreated_stream(bus: Bus) -> None:
    await publish_titles(bus, "a", "b", "c")
    feed = Feed(TicketCreated)
    async with following(bus.js, feed):
        with feed.subscribe() as subscriber:
            config: StreamConfig = (await bus.js.stream_info("TICKET")).config
            await bus.js.delete_stream("TICKET")
            await bus.js.add_stream(config)
            assert await titles(subscriber, 1) == ["resync"]
            await publish_titles(bus, "e")
            assert await titles(subscriber, 1) == ["e"]


async def test_feed_reader_continues_after_a_broker_restart(
    tmp_path: Path, ignore_broken_connections: None
) -> None:
    process = Process(servers.nats(free_port(), tmp_path))
    await asyncio.to_thread(process.start)
    try:
        options = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.1}
        connection = await nats.connect(process.spec.url, **options)
        async with Bus.open(process.spec.url):
            pass  # makes the streams
        feed = Feed(TicketCreated)
        async with following(connection.jetstream(), feed):
            with feed.subscribe() as subscriber:
                for title in ("a", "b"):
                    await asyncio.to_thread(process.kill)
                    await asyncio.to_thread(process.start)
                    async with Bus.open(process.spec.url) as bus:
                        await publish_titles(bus, title)
                    assert await titles(subscriber, 1) == [title]
        await connection.close()
    finally:
        await asyncio.to_thread(process.stop)


async def test_feed_is_current_only_while_its_broker_answers(
    tmp_path: Path, ignore_broken_connections: None
) -> None:
    process = Process(servers.nats(free_port(), tmp_path))
    await asyncio.to_thread(process.start)
    try:
        options = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.1}
        connection = await nats.connect(process.spec.url, **options)
        async with Bus.open(process.spec.url):
            pass  # makes the streams
        feed = Feed(TicketCreated)
        async with following(connection.jetstream(), feed):
            assert feed.is_current
            await asyncio.to_thread(process.kill)
            assert await eventually(lambda: _is_current(feed, expected=False))
            assert feed.is_live  # its subscribers keep their position

            await asyncio.to_thread(process.start)
            assert await eventually(lambda: _is_current(feed, expected=True))
            # An idle feed stays current.
            until = asyncio.get_running_loop().time() + 2 * IDLE_SECONDS
            while asyncio.get_running_loop().time() < until:
                assert feed.is_current
                await asyncio.sleep(0.05)
        await connection.close()
    finally:
        await asyncio.to_thread(process.stop)


async def _is_current(feed: Feed, *, expected: bool) -> bool:
    return feed.is_current == expected
