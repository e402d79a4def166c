"""Redis forgets or dies, the broker is away: every timer is kept, and told of in the end."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from expiration import timers
from expiration.handlers import listening
from expiration.timers import Timers
from ticketing_common.events import (
    Envelope,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    utc_now,
)
from ticketing_common.messaging.broker import Broker
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event
from ticketing_testing.processes import run_process

LISTENERS = listening(Timers("redis://nowhere"))


@asynccontextmanager
async def own_redis(
    environment: TestEnvironment, folder: Path
) -> AsyncIterator[tuple[TestEnvironment, Process]]:
    """The world with a Redis that may be killed."""
    part = servers.redis(free_port(), folder)
    async with run_process(part) as process:
        yield replace(environment, redis_url=part.url), process


async def told(bus: Bus, count: int) -> list[str]:
    """The orders that were told of, once there are so many."""
    return [event.order_id for event in await bus.published(ExpirationCompleted, count)]


async def readiness(client: httpx.AsyncClient) -> int:
    return (await client.get("/readyz")).status_code


async def test_timers_that_redis_forgot_are_set_again(
    expiration: RunningService, redis: Any, order_for: Any
) -> None:
    order = order_for(1.5)
    await expiration.bus.publish(order)
    await expiration.bus.wait_until_handled(LISTENERS)
    await redis.flushdb()
    assert await told(expiration.bus, 1) == [order.id]


async def test_an_order_that_has_ended_gets_no_timer_again(
    expiration: RunningService, redis: Any, order_for: Any
) -> None:
    live, cancelled, complete = orders = [order_for(60) for _ in range(3)]
    await expiration.bus.publish(
        *orders,
        new_event(OrderCancelled, id=cancelled.id, version=1, status="cancelled"),
        new_event(OrderCompleted, id=complete.id, version=1, status="complete"),
    )
    await expiration.bus.wait_until_handled(LISTENERS)
    await eventually(lambda: redis.exists("timers:complete"))
    await redis.flushdb()

    await eventually(lambda: redis.exists("timers:complete"))

    assert await redis.zrange("arq:queue", 0, -1) == [live.id.encode()]


@pytest.mark.parametrize("data", ["kept", "lost"])
async def test_timers_outlive_a_redis_that_is_killed_and_comes_back(
    environment: TestEnvironment, start: Any, order_for: Any, tmp_path: Path, data: str
) -> None:
    async with (
        own_redis(environment, tmp_path) as (environment, redis),
        start(environment) as expiration,
    ):
        prober = await expiration.client()
        before, meanwhile = order_for(2), order_for(2.2)
        await expiration.bus.publish(before)
        await expiration.bus.wait_until_handled(LISTENERS)
        assert await readiness(prober) == 200

        redis.kill()
        if data == "lost":
            shutil.rmtree(tmp_path)
        assert await readiness(prober) == 503
        assert (await prober.get("/healthz")).status_code == 200
        await expiration.bus.publish(meanwhile)
        await asyncio.to_thread(redis.start)

        assert set(await told(expiration.bus, 2)) == {before.id, meanwhile.id}
        assert await readiness(prober) == 200
        assert await expiration.bus.dead_letters() == []


async def test_timers_that_an_earlier_run_of_redis_was_given_do_not_make_it_complete(
    tmp_path: Path,
) -> None:
    """It may have lost the last of them; to us it is the same, at the same address."""
    part = servers.redis(free_port(), tmp_path)
    timers = Timers(part.url)
    async with run_process(part) as redis:
        run = await timers.run_id()
        redis.kill()
        await asyncio.to_thread(redis.start)
        await timers.note_complete(run)
        assert not await timers.are_complete()
        await timers.note_complete(await timers.run_id())
        assert await timers.are_complete()
    await timers.close()


async def test_a_service_that_starts_without_redis_sets_its_timers_once_it_is_there(
    environment: TestEnvironment, start: Any, order_for: Any, tmp_path: Path
) -> None:
    part = servers.redis(free_port(), tmp_path)
    async with start(replace(environment, redis_url=part.url)) as expiration:
        order = order_for(0.1)
        await expiration.bus.publish(order)
        assert await readiness(await expiration.client()) == 503
        async with run_process(part):
            assert await told(expiration.bus, 1) == [order.id]


async def test_a_timer_is_kept_though_to_tell_of_it_took_too_long(
    environment: TestEnvironment, start: Any, order_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does where the whole process stands still for a while."""
    publish, hung = Broker.publish, list[Envelope]()

    async def hang_once(broker: Broker, envelope: Envelope) -> None:
        if not hung:
            hung.append(envelope)
            await asyncio.sleep(60)
        await publish(broker, envelope)

    monkeypatch.setattr(Broker, "publish", hang_once)
    monkeypatch.setattr(timers, "JOB_SECONDS", 0.5)
    async with start(environment) as expiration:
        order = order_for(0.1)
        await expiration.bus.publish(order)
        assert await told(expiration.bus, 1) == [order.id]
    assert hung


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_what_ends_while_the_broker_is_away_is_told_when_it_is_back(
    environment: TestEnvironment, start: Any, order_for: Any, tmp_path: Path
) -> None:
    part = servers.nats(free_port(), tmp_path)
    async with (
        run_process(part) as nats,
        start(replace(environment, nats_url=part.url)) as expiration,
    ):
        order, other = order_for(0.5), order_for(0.6)
        await expiration.bus.publish(order, other)
        await expiration.bus.wait_until_handled(LISTENERS)
        nats.kill()
        assert await readiness(await expiration.client()) == 200
        await eventually(lambda: over(other))
        await asyncio.to_thread(nats.start)

        async with Bus.open(part.url) as bus:
            assert set(await told(bus, 2)) == {order.id, other.id}


async def over(order: Any) -> bool:
    return bool(utc_now() > order.expires_at)
