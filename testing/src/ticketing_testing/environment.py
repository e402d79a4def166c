"""The stores that belong to one test."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import FastAPI
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from ticketing_testing.bus import Bus
from ticketing_testing.factories import SESSION_SETTINGS
from ticketing_testing.running_service import RunningService, serve_app
from ticketing_testing.store_servers import NATS_ACCOUNTS, REDIS_DATABASES, StoreServers

_numbers = itertools.count()


@dataclass(frozen=True)
class TestEnvironment:
    """A database, a NATS account and a Redis database that no other test uses."""

    __test__: ClassVar[bool] = False

    mongo_uri: str
    nats_url: str
    redis_url: str

    @classmethod
    @asynccontextmanager
    async def create(cls, servers: StoreServers) -> "AsyncIterator[TestEnvironment]":
        """Provide a new, empty environment for the block."""
        number = next(_numbers)
        assert number < NATS_ACCOUNTS, "raise NATS_ACCOUNTS: there are more tests than accounts"
        name = f"test{number}"
        redis_url = f"{servers.redis_url}/{number % REDIS_DATABASES}"
        async with Redis.from_url(redis_url) as redis:
            await redis.flushdb()
        yield cls(servers.mongo_uri(name), servers.nats_url(number), redis_url)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(servers.mongo_uri(name))
        async with client:
            # A drop waits for a transaction that the test has left open.
            await client.admin.command("killAllSessions", [])
            await client.drop_database(name)

    def settings(self) -> dict[str, Any]:
        """Return the settings that every service needs."""
        return {
            "mongo_uri": self.mongo_uri,
            "nats_url": self.nats_url,
            "redis_url": self.redis_url,
            **SESSION_SETTINGS,
            # All requests of a test come from one address, and most from few accounts.
            "limits_by_address_factor": 1000,
            "limit_listings_by_account": "1000000 per minute",
        }

    @asynccontextmanager
    async def serve(self, app: FastAPI) -> AsyncIterator[RunningService]:
        """Serve the app, with a connection to its message broker, for the block."""
        async with Bus.open(self.nats_url) as bus, serve_app(app, bus) as service:
            yield service
