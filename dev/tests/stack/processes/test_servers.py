"""The real servers: durability and isolation."""

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


async def test_nats_keeps_acknowledged_messages_after_sigkill(tmp_path: Path) -> None:
    spec = servers.nats(free_port(), tmp_path)
    with running(spec) as process:
        client = await nats.connect(spec.url)
        await client.jetstream().add_stream(name="s", subjects=["s.>"])
        for number in range(20):
            await client.jetstream().publish(f"s.{number}", b"")
        await client.close()
        process.kill()
        process.start()
        client = await nats.connect(spec.url)
        assert (await client.jetstream().stream_info("s")).state.messages == 20
        await client.close()


async def test_nats_accounts_are_isolated(tmp_path: Path) -> None:
    spec = servers.nats(free_port(), tmp_path, accounts=2)
    with running(spec):
        one, other = [await nats.connect(spec.account_url(number)) for number in (0, 1)]
        await one.jetstream().add_stream(name="s", subjects=["s.>"])
        await other.jetstream().add_stream(name="s", subjects=["s.>"])
        await one.jetstream().publish("s.1", b"")
        assert (await one.jetstream().stream_info("s")).state.messages == 1
        assert (await other.jetstream().stream_info("s")).state.messages == 0
        await one.close()
        await other.close()


def test_mongo_keeps_transactions_after_sigkill_and_on_another_port(tmp_path: Path) -> None:
    spec = servers.mongo(free_port(), tmp_path)
    with running(spec) as process:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(spec.uri("test"))
        with client, client.start_session() as session:
            with session.start_transaction():
                client.test.documents.insert_one({"_id": 1}, session=session)
            with pytest.raises(ZeroDivisionError), session.start_transaction():  # noqa: PT012
                client.test.documents.insert_one({"_id": 2}, session=session)
                raise ZeroDivisionError
        process.kill()
    moved = servers.mongo(free_port(), tmp_path)
    with running(moved), pymongo.MongoClient[dict[str, Any]](moved.uri("test")) as client:
        assert client.get_default_database().name == "test"
        assert [document["_id"] for document in client.test.documents.find()] == [1]
        assert client.primary == ("127.0.0.1", moved.port)


async def test_redis_keeps_data_after_stop(tmp_path: Path) -> None:
    spec = servers.redis(free_port(), tmp_path)
    with running(spec) as process:
        async with redis.asyncio.Redis.from_url(spec.url) as client:
            await client.set("key", "value")
        process.stop()
        process.start()
        async with redis.asyncio.Redis.from_url(spec.url) as client:
            assert await client.get("key") == b"value"


def test_free_port_is_outside_the_ephemeral_range() -> None:
    assert all(20_000 <= free_port() < 32_000 for _ in range(50))
