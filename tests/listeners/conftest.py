import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis
from tests.listeners.cases import Given
from tests.listeners.services import make_app

from ticketing_common.messaging import streams
from ticketing_testing import Bus, World
from ticketing_testing.stores import ACCOUNTS, Stores

_numbers = itertools.count()

Serve = Callable[..., AbstractAsyncContextManager[Bus]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that soon tells again what it had no answer to."""
    monkeypatch.setattr(streams, "ACK_SECONDS", 1)


@pytest.fixture
async def other_world(world: World, stores: Stores) -> AsyncIterator[World]:
    """A second one, to let things happen in another order."""
    number = ACCOUNTS - 1 - next(_numbers)
    redis_url, _, database = world.redis_url.rpartition("/")
    redis_url = f"{redis_url}/{(int(database) + 8) % 16}"
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    name = f"other{number}"
    yield World(stores.mongo_uri(name), stores.nats_url(number), redis_url)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stores.mongo_uri(name))
    async with client:
        await client.drop_database(name)


@pytest.fixture
def serve() -> Serve:
    """Serves a service, with what it has of its own: `async with serve("orders", world) as bus`."""

    @asynccontextmanager
    async def serving(service: str, world: World, given: tuple[Given, ...] = ()) -> Any:
        async with world.serving(make_app(service, world)) as served:
            for kind, fields in given:
                await kind(**fields).insert()
            yield served.bus

    return serving
