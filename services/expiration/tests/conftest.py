"""expiration, served on real stores, and orders whose time runs."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from expiration import worker
from expiration.app import create_app
from expiration.settings import ExpirationSettings
from ticketing_common.events import OrderCreated, utc_now
from ticketing_testing import RunningService, TestEnvironment, eventually, new_event

Start = Callable[..., Any]
"""Serves expiration: `async with start(redis_url=...) as served`."""


@pytest.fixture
def start(environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.2)

    def serve(environment: TestEnvironment = environment) -> Any:
        return environment.serve(create_app(ExpirationSettings(**environment.settings())))

    return serve


@pytest.fixture
async def redis(environment: TestEnvironment) -> AsyncIterator[Redis]:
    async with Redis.from_url(environment.redis_url) as client:
        yield client


@pytest.fixture
async def expiration(start: Start, redis: Redis) -> AsyncIterator[RunningService]:
    """It has looked back once: what it hears from here on it hears from its listeners alone."""
    async with start() as served:
        await eventually(lambda: redis.exists("timers:complete"))
        yield served


@pytest.fixture
def order_for() -> Callable[[float], OrderCreated]:
    """A new order that may be paid for so many seconds."""

    def make(seconds: float) -> OrderCreated:
        at: datetime = utc_now() + timedelta(seconds=seconds)
        return new_event(OrderCreated, expires_at=at)

    return make
