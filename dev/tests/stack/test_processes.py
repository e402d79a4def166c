"""The real servers, each on a port and a folder of its own."""

from pathlib import Path
from typing import Any

import nats
import nats.errors
import pymongo
import pytest
import redis.asyncio

from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running


async def test_nats_keeps_what_it_acknowledged_when_killed(tmp_path: Path) -> None:
    part = servers.nats(free_port(), tmp_path)
    with running(part) as process:
        client = await nats.connect(part.url)
        await client.jetstream().add_stream(name="s", subjects=["s.>"])
        for number in range(20):
            await client.jetstream().publish(f"s.{number}", b"")
        await client.close()
        process.kill()
        process.start()
        client = await nats.connect(part.url)
        assert (await client.jetstream().stream_info("s")).state.messages == 20
        await client.close()


async def test_accounts_of_nats_see_nothing_of_each_other(tmp_path: Path) -> None:
    part = servers.nats(free_port(), tmp_path, accounts=2)
    with running(part):
        one, other = [await nats.connect(part.account_url(number)) for number in (0, 1)]
        await one.jetstream().add_stream(name="s", subjects=["s.>"])
        await other.jetstream().add_stream(name="s", subjects=["s.>"])
        await one.jetstream().publish("s.1", b"")
        assert (await one.jetstream().stream_info("s")).state.messages == 1
        assert (await other.jetstream().stream_info("s")).state.messages == 0
        await one.close()
        await other.close()


def test_mongo_keeps_its_transactions_when_killed_and_moved_to_another_port(tmp_path: Path) -> None:
    part = servers.mongo(free_port(), tmp_path)
    with running(part) as process:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(part.uri("shop"))
        with client, client.start_session() as session:
            with session.start_transaction():
                client.shop.things.insert_one({"_id": 1}, session=session)
            with pytest.raises(ZeroDivisionError), session.start_transaction():  # noqa: PT012
                client.shop.things.insert_one({"_id": 2}, session=session)
                raise ZeroDivisionError
        process.kill()
    moved = servers.mongo(free_port(), tmp_path)
    with running(moved), pymongo.MongoClient[dict[str, Any]](moved.uri("shop")) as client:
        assert client.get_default_database().name == "shop"
        assert [thing["_id"] for thing in client.shop.things.find()] == [1]
        assert client.primary == ("127.0.0.1", moved.port)


async def test_redis_keeps_what_it_wrote_when_stopped(tmp_path: Path) -> None:
    part = servers.redis(free_port(), tmp_path)
    with running(part) as process:
        async with redis.asyncio.Redis.from_url(part.url) as client:
            await client.set("key", "value")
        process.stop()
        process.start()
        async with redis.asyncio.Redis.from_url(part.url) as client:
            assert await client.get("key") == b"value"


def test_free_ports_are_none_that_the_kernel_gives_to_clients() -> None:
    assert all(20_000 <= free_port() < 32_000 for _ in range(50))
