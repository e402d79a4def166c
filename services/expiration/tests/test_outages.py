import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from services.expiration.tests.conftest import Condition, NewOrder, StartExpiration
from services.expiration.tests.expirations import LISTENERS, expired_orders

from expiration import timers
from expiration.timers import Timers
from ticketing_common.events import Envelope, OrderCancelled, OrderCompleted, utc_now
from ticketing_common.messaging.broker import Broker
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event
from ticketing_testing.processes import run_process


@asynccontextmanager
async def run_own_redis(
    environment: TestEnvironment, folder: Path
) -> AsyncIterator[tuple[TestEnvironment, Process]]:
    """Run a Redis that the test may kill. Yields an environment with it."""
    spec = servers.redis(free_port(), folder)
    async with run_process(spec) as process:
        yield replace(environment, redis_url=spec.url), process


async def readiness(client: httpx.AsyncClient) -> int:
    return (await client.get("/readyz")).status_code


async def test_timers_are_rebuilt_after_redis_lost_them(
    expiration: RunningService, redis: Redis, new_order: NewOrder
) -> None:
    order = new_order(1)
    await expiration.bus.publish(order)
    await expiration.bus.wait_until_handled(LISTENERS)

    await redis.flushdb()

    assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_rebuild_sets_no_timer_of_ended_order(
    expiration: RunningService, redis: Redis, new_order: NewOrder, timers_are_complete: Condition
) -> None:
    live, cancelled, complete = orders = [new_order(60) for _ in range(3)]
    await expiration.bus.publish(
        *orders,
        new_event(OrderCancelled, id=cancelled.id, version=1, status="cancelled"),
        new_event(OrderCompleted, id=complete.id, version=1, status="complete"),
    )
    await expiration.bus.wait_until_handled(LISTENERS)
    await eventually(timers_are_complete)

    await redis.flushdb()
    await eventually(timers_are_complete)

    assert await redis.zrange("arq:queue", 0, -1) == [live.id.encode()]


@pytest.mark.parametrize("data", ["kept", "lost"])
async def test_timers_survive_restart_of_redis(
    environment: TestEnvironment,
    start_expiration: StartExpiration,
    new_order: NewOrder,
    tmp_path: Path,
    data: str,
) -> None:
    async with (
        run_own_redis(environment, tmp_path) as (environment, redis),
        start_expiration(environment) as expiration,
    ):
        client = await expiration.client()
        before, meanwhile = new_order(2), new_order(2.2)
        await expiration.bus.publish(before)
        await expiration.bus.wait_until_handled(LISTENERS)
        assert await readiness(client) == 200

        redis.kill()
        if data == "lost":
            shutil.rmtree(tmp_path)
        assert await readiness(client) == 503
        assert (await client.get("/healthz")).status_code == 200
        await expiration.bus.publish(meanwhile)
        await asyncio.to_thread(redis.start)

        assert set(await expired_orders(expiration.bus, 2)) == {before.id, meanwhile.id}
        assert await readiness(client) == 200
        assert await expiration.bus.dead_letters() == []


async def test_mark_complete_for_earlier_run_of_redis_does_not_count(tmp_path: Path) -> None:
    """The restarted Redis has the same address, but may have lost the last timers."""
    spec = servers.redis(free_port(), tmp_path)
    timers = Timers(spec.url)
    async with run_process(spec) as redis:
        run_id = await timers.run_id()
        redis.kill()
        await asyncio.to_thread(redis.start)

        await timers.mark_complete(run_id)
        assert not await timers.are_complete()

        await timers.mark_complete(await timers.run_id())
        assert await timers.are_complete()
    await timers.close()


async def test_service_that_starts_without_redis_sets_timers_later(
    environment: TestEnvironment,
    start_expiration: StartExpiration,
    new_order: NewOrder,
    tmp_path: Path,
) -> None:
    spec = servers.redis(free_port(), tmp_path)
    async with start_expiration(replace(environment, redis_url=spec.url)) as expiration:
        order = new_order(0.1)
        await expiration.bus.publish(order)
        assert await readiness(await expiration.client()) == 503

        async with run_process(spec):
            assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_timer_is_kept_after_job_timeout(
    start_expiration: StartExpiration, new_order: NewOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Broker.publish
    hanging: list[Envelope] = []

    async def hang_once(broker: Broker, envelope: Envelope) -> None:
        if not hanging:
            hanging.append(envelope)
            await asyncio.sleep(60)
        await publish(broker, envelope)

    monkeypatch.setattr(Broker, "publish", hang_once)
    monkeypatch.setattr(timers, "JOB_TIMEOUT_SECONDS", 0.5)
    async with start_expiration() as expiration:
        order = new_order(0.1)
        await expiration.bus.publish(order)

        assert await expired_orders(expiration.bus, 1) == [order.id]
    assert hanging


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_expiration_during_broker_outage_is_published_afterwards(
    environment: TestEnvironment,
    start_expiration: StartExpiration,
    new_order: NewOrder,
    tmp_path: Path,
) -> None:
    spec = servers.nats(free_port(), tmp_path)
    async with (
        run_process(spec) as nats,
        start_expiration(replace(environment, nats_url=spec.url)) as expiration,
    ):
        first, last = new_order(0.5), new_order(0.6)
        await expiration.bus.publish(first, last)
        await expiration.bus.wait_until_handled(LISTENERS)

        nats.kill()
        assert await readiness(await expiration.client()) == 200

        async def both_have_expired() -> bool:
            return bool(utc_now() > last.expires_at)

        await eventually(both_have_expired)
        await asyncio.to_thread(nats.start)

        async with Bus.open(spec.url) as bus:
            assert set(await expired_orders(bus, 2)) == {first.id, last.id}
