"""The fixtures, for pytest to find by itself."""

import gc
import itertools
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from ticketing_testing.stores import ACCOUNTS, Stores, stores
from ticketing_testing.world import World

_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mongo: touches MongoDB, and so runs on a real mongod too")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches MongoDB: whatever has a database or a whole stack."""
    for item in items:
        if {"stores", "stack"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("mongo")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """What a failed test says, with what is no text written out: a worker that cannot send it ends,
    and takes the whole run along, without a word of what failed."""
    return _as_text((yield))


def _as_text(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_as_text(key): _as_text(one) for key, one in value.items()}
        case list() | tuple():
            return type(value)(map(_as_text, value))
        case _:
            return value


@pytest.fixture(scope="session", name="stores")
def stores_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """The real servers of this test process."""
    with stores(tmp_path_factory.mktemp("stores")) as started:
        yield started


@pytest.fixture
async def world(stores: Stores) -> AsyncIterator[World]:
    """A database, a broker and a Redis for this test alone."""
    number = next(_numbers)
    assert number < ACCOUNTS, "raise ACCOUNTS: there are more tests than NATS accounts"
    name = f"test{number}"
    redis_url = f"{stores.redis_url}/{number % 16}"
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    yield World(stores.mongo_uri(name), stores.nats_url(number), redis_url)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stores.mongo_uri(name))
    async with client:
        await client.drop_database(name)


@pytest.fixture
def broken_connections() -> Iterator[None]:
    """For a test that takes the broker away: nats-py leaves the socket that broke to the garbage
    collector, which complains of it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
