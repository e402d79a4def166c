"""What one test has for itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from ticketing_testing.bus import Bus
from ticketing_testing.served import Served, serving

JWT_KEY = "a key that only tests use, of 32 bytes and more"


@dataclass(frozen=True)
class World:
    """A database, a broker's account and a Redis database that no other test has."""

    mongo_uri: str
    nats_url: str
    redis_url: str

    def settings(self) -> dict[str, Any]:
        """What every service's settings are made of."""
        return {
            "mongo_uri": self.mongo_uri,
            "nats_url": self.nats_url,
            "redis_url": self.redis_url,
            "jwt_key": JWT_KEY,
        }

    @asynccontextmanager
    async def serving(self, app: FastAPI) -> AsyncIterator[Served]:
        """The app, running in this world."""
        async with Bus.open(self.nats_url) as bus, serving(app, bus) as served:
            yield served
