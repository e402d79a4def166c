"""The stores that belong to one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import FastAPI

from ticketing_testing.bus import Bus
from ticketing_testing.running_service import RunningService, serve_app

JWT_KEY = "a key that only tests use, of 32 bytes and more"


@dataclass(frozen=True)
class TestEnvironment:
    """A database, a NATS account and a Redis database that no other test uses."""

    __test__: ClassVar[bool] = False

    mongo_uri: str
    nats_url: str
    redis_url: str

    def settings(self) -> dict[str, Any]:
        """Return the settings that every service needs."""
        return {
            "mongo_uri": self.mongo_uri,
            "nats_url": self.nats_url,
            "redis_url": self.redis_url,
            "jwt_key": JWT_KEY,
        }

    @asynccontextmanager
    async def serve(self, app: FastAPI) -> AsyncIterator[RunningService]:
        """Serve the app, with a connection to its message broker, for the block."""
        async with Bus.open(self.nats_url) as bus, serve_app(app, bus) as service:
            yield service
