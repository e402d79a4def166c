from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from expiration import worker
from expiration.app import create_app
from expiration.settings import ExpirationSettings
from ticketing_common.events import OrderCreated, utc_now
from ticketing_testing import RunningService, TestEnvironment, eventually, new_event

StartExpiration = Callable[..., AbstractAsyncContextManager[RunningService]]
NewOrder = Callable[[float], OrderCreated]
Condition = Callable[[], Awaitable[bool]]


@pytest.fixture
def start_expiration(
    environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> StartExpiration:
    """A function that serves expiration, by default in the test's environment."""
    monkeypatch.setattr(worker, "CHECK_SECONDS", 0.2)

    def start(
        environment: TestEnvironment = environment,
    ) -> AbstractAsyncContextManager[RunningService]:
        return environment.serve(create_app(ExpirationSettings(**environment.settings())))

    return start


@pytest.fixture
async def redis(environment: TestEnvironment) -> AsyncIterator[Redis]:
    async with Redis.from_url(environment.redis_url) as client:
        yield client


@pytest.fixture
def timers_are_complete(redis: Redis) -> Condition:
    async def are_complete() -> bool:
        return bool(await redis.exists("timers:complete"))

    return are_complete


@pytest.fixture
def no_timer_is_left(redis: Redis) -> Condition:
    async def is_empty() -> bool:
        return not await redis.exists("arq:queue")

    return is_empty


@pytest.fixture
async def expiration(
    start_expiration: StartExpiration, timers_are_complete: Condition
) -> AsyncIterator[RunningService]:
    """The service after its first rebuild: from now on its handlers alone set timers."""
    async with start_expiration() as service:
        await eventually(timers_are_complete)
        yield service


@pytest.fixture
def new_order() -> NewOrder:
    """A function that returns a new order with so many seconds to pay."""

    def create(seconds: float) -> OrderCreated:
        expires_at: datetime = utc_now() + timedelta(seconds=seconds)
        return new_event(OrderCreated, expires_at=expires_at)

    return create
