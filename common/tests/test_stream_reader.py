"""The reader's sources are unreliable: here each of them loses messages or is behind."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from ticketing_common.events import TicketCreated, utc_now
from ticketing_common.messaging import stream_reader
from ticketing_common.messaging.stream_reader import (
    MessagesLost,
    StoredMessage,
    StreamReader,
    StreamReplaced,
    read_stored,
)
from ticketing_testing import Bus, TestEnvironment, new_event
from ticketing_testing.timeouts import TIMEOUT_SECONDS

WAIT_SECONDS = 0.3


@pytest.fixture
async def bus(environment: TestEnvironment) -> AsyncIterator[Bus]:
    async with Bus.open(environment.nats_url) as bus:
        yield bus


async def publish(bus: Bus, count: int) -> None:
    for _ in range(count):
        await bus.publish(new_event(TicketCreated))


async def read(reader: StreamReader, count: int) -> list[int]:
    """Return the sequence numbers of the next messages."""
    found: list[int] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(found) < count:
            found += [message.sequence for message in await reader.fetch(WAIT_SECONDS)]
    return found


async def stored(bus: Bus) -> list[int]:
    return [message.sequence async for message in read_stored(bus.js, "TICKET")]


async def no_direct_get(*_: object) -> list[StoredMessage]:
    return []


async def test_message_is_as_it_was_published(bus: Bus) -> None:
    headers = {"ce-id": "1", "Nats-Msg-Id": "1"}
    async with StreamReader.open(bus.js, "TICKET") as reader:
        await bus.js.publish("ticket.created", b"body", headers=headers)
        [live] = await reader.fetch(TIMEOUT_SECONDS)
    [direct] = [message async for message in read_stored(bus.js, "TICKET")]
    leader = StoredMessage.of_leader(await bus.js.get_msg("TICKET", 1))

    assert live == direct == leader
    assert (live.subject, live.data, live.headers) == ("ticket.created", b"body", headers)
    assert utc_now() - live.time < timedelta(seconds=TIMEOUT_SECONDS)


async def test_reader_reads_stored_messages_before_new_ones(bus: Bus) -> None:
    await publish(bus, stream_reader.BATCH_SIZE + 10)
    async with StreamReader.open(bus.js, "TICKET", start_sequence=5) as reader:
        await publish(bus, 2)
        expected = [*range(5, stream_reader.BATCH_SIZE + 13)]
        assert await read(reader, len(expected)) == expected
        await reader.confirm()
        assert reader.current_at is not None


@pytest.mark.parametrize("lost", [{1}, {2, 3}])
async def test_reader_reads_a_lost_copy_from_the_stream(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, lost: set[int]
) -> None:
    """Also the last one, after which no other copy shows the gap."""
    on_copy = StreamReader._on_copy

    async def lossy(self: StreamReader, message: Msg) -> None:
        if StoredMessage.of_copy(message).sequence not in lost:
            await on_copy(self, message)

    monkeypatch.setattr(StreamReader, "_on_copy", lossy)
    async with StreamReader.open(bus.js, "TICKET") as reader:
        await publish(bus, 3)
        assert await read(reader, 3) == [1, 2, 3]


async def test_reader_is_not_current_before_it_has_a_lost_copy(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(self: StreamReader, message: Msg) -> None: ...

    monkeypatch.setattr(StreamReader, "_on_copy", lose)
    async with StreamReader.open(bus.js, "TICKET") as reader:
        before = reader.current_at
        await publish(bus, 1)
        await reader.confirm()
        assert reader.current_at == before
        assert await read(reader, 1) == [1]
        assert reader.current_at != before


async def test_reader_asks_the_leader_where_a_server_is_behind(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(bus, 3)
    monkeypatch.setattr(stream_reader, "_direct_get", no_direct_get)

    assert await stored(bus) == [1, 2, 3]
    since = utc_now() - timedelta(minutes=1)
    found = read_stored(bus.js, "TICKET", start_time=since)
    assert [message.sequence async for message in found] == [1, 2, 3]


async def test_reader_skips_deleted_messages(bus: Bus) -> None:
    await publish(bus, 5)
    for sequence in (1, 3, 5):
        await bus.js.delete_msg("TICKET", sequence)

    assert await stored(bus) == [2, 4]
    async with StreamReader.open(bus.js, "TICKET") as reader:
        assert await read(reader, 2) == [2, 4]
        assert await reader.fetch(WAIT_SECONDS) == []
        assert reader.position == 5
        assert reader.current_at is not None
        await publish(bus, 1)
        assert await read(reader, 1) == [6]


async def test_reader_of_an_emptied_stream_is_current(bus: Bus) -> None:
    await publish(bus, 2)
    await bus.js.purge_stream("TICKET")
    assert await stored(bus) == []


async def test_reader_starts_at_a_time(bus: Bus) -> None:
    await publish(bus, 2)
    second = StoredMessage.of_leader(await bus.js.get_msg("TICKET", 2))
    for start_time, expected in (
        (second.time, [2]),
        (second.time + timedelta(seconds=1), []),
        (second.time - timedelta(days=1), [1, 2]),
    ):
        found = read_stored(bus.js, "TICKET", start_time=start_time)
        assert [message.sequence async for message in found] == expected


async def test_reader_notices_a_lost_response(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    await publish(bus, 3)
    subscribe = Client.subscribe

    def lossy(self: Client, subject: str, **options: Any) -> Any:
        on_response = options["cb"]

        async def drop_second(message: Msg) -> None:
            headers: Mapping[str, str] = message.headers or {}
            if headers.get("Nats-Sequence") != "2":
                await on_response(message)

        return subscribe(self, subject, **options | {"cb": drop_second})

    with monkeypatch.context() as patched:
        patched.setattr(Client, "subscribe", lossy)
        with pytest.raises(MessagesLost):
            await stored(bus)
    assert await stored(bus) == [1, 2, 3]


async def test_reader_notices_a_recreated_stream(bus: Bus) -> None:
    await publish(bus, 1)
    async with StreamReader.open(bus.js, "TICKET") as reader:
        assert await read(reader, 1) == [1]
        config = (await bus.js.stream_info("TICKET")).config
        await bus.js.delete_stream("TICKET")
        await bus.js.add_stream(config)
        await publish(bus, 1)
        with pytest.raises(StreamReplaced):
            await read(reader, 1)


async def test_reader_needs_no_right_to_create_a_consumer(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JetStreamContext, "add_consumer", None)
    await publish(bus, 1)
    async with StreamReader.open(bus.js, "TICKET") as reader:
        assert await read(reader, 1) == [1]
    assert (await bus.js.stream_info("TICKET")).state.consumer_count == 0
