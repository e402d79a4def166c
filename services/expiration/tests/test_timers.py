import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from services.expiration.tests.conftest import Condition, NewOrder, StartExpiration
from services.expiration.tests.expirations import LISTENERS, expired_orders

from ticketing_common.events import (
    DomainEvent,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCreated,
)
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event
from ticketing_testing.processes import environment_variables, run_process


async def test_timer_fires_soon_after_its_time_and_never_before(
    expiration: RunningService, new_order: NewOrder
) -> None:
    orders = {order.id: order for order in map(new_order, (0.4, 0.8, 1.2, 1.6))}

    await expiration.bus.publish(*orders.values())

    assert set(await expired_orders(expiration.bus, len(orders))) == {*orders}
    delays = []
    for sequence in range(1, len(orders) + 1):
        headers = (await expiration.bus.js.get_msg("EXPIRATION", sequence)).headers
        assert headers is not None
        published_at = datetime.fromisoformat(headers["ce-time"])
        delays.append(published_at - orders[headers["ce-id"]].expires_at)
    # Other load on the machine makes some later and none earlier.
    assert timedelta(0) <= min(delays) < timedelta(seconds=5)


async def test_timers_fire_in_order_of_their_times(
    expiration: RunningService, new_order: NewOrder
) -> None:
    later, sooner = new_order(3600), new_order(0.5)

    await expiration.bus.publish(later, sooner)

    assert await expired_orders(expiration.bus, 1) == [sooner.id]


async def test_timer_of_overdue_order_fires_at_once(
    expiration: RunningService, new_order: NewOrder
) -> None:
    order = new_order(-3600)

    await expiration.bus.publish(order)

    assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_timer_of_cancelled_order_is_cleared(
    expiration: RunningService, redis: Redis, new_order: NewOrder, no_timer_is_left: Condition
) -> None:
    cancelled, other = new_order(3600), new_order(3600)
    await expiration.bus.publish(
        cancelled,
        other,
        new_event(OrderCancelled, id=cancelled.id, version=1, status="cancelled"),
    )
    await expiration.bus.wait_until_handled(LISTENERS)

    for order in (cancelled, other):
        await redis.zadd("arq:queue", {order.id: 1}, xx=True)  # makes existing timers due
    await eventually(no_timer_is_left)

    assert await expired_orders(expiration.bus, 1) == [other.id]


async def test_timer_of_order_awaiting_payment_fires(
    expiration: RunningService, new_order: NewOrder
) -> None:
    order = new_order(0.5)
    awaiting = new_event(OrderAwaitingPayment, id=order.id, version=1, status="awaiting:payment")

    await expiration.bus.publish(order, awaiting)

    assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_duplicate_event_sets_one_timer(
    expiration: RunningService, new_order: NewOrder
) -> None:
    order, last = new_order(0.5), new_order(0.9)

    for _ in range(3):
        await expiration.bus.publish(order, bypass_deduplication=True)
    await expiration.bus.publish(last)

    assert sorted(await expired_orders(expiration.bus, 2)) == sorted([order.id, last.id])


@pytest.mark.parametrize("event", [OrderCreated, OrderCancelled])
async def test_invalid_message_becomes_dead_letter_and_blocks_no_other(
    expiration: RunningService, new_order: NewOrder, event: type[DomainEvent]
) -> None:
    order = new_order(0.1)

    await expiration.bus.publish_raw(event, b'{"id": "not an id"}')
    await expiration.bus.publish(order)

    [dead_letter] = await expiration.bus.dead_letters(1)
    assert dead_letter.data == b'{"id": "not an id"}'
    assert dead_letter.headers is not None
    assert f"Invalid {event.__name__}: id: " in dead_letter.headers["Dead-Letter-Cause"]
    assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_timer_fires_once_at_two_replicas(
    environment: TestEnvironment, expiration: RunningService, new_order: NewOrder, tmp_path: Path
) -> None:
    variables = environment_variables(environment.settings())
    async with run_process(services.service("expiration", free_port(), tmp_path, variables)):
        orders = [new_order(0.5) for _ in range(10)]
        await expiration.bus.publish(*orders)
        expired = await expired_orders(expiration.bus, 10)

    assert sorted(expired) == sorted(order.id for order in orders)


async def test_timer_survives_process_that_set_it(
    environment: TestEnvironment,
    start_expiration: StartExpiration,
    new_order: NewOrder,
    tmp_path: Path,
) -> None:
    order = new_order(3)
    variables = environment_variables(environment.settings())
    spec = services.service("expiration", free_port(), tmp_path, variables)
    async with Bus.open(environment.nats_url, "expiration") as bus, run_process(spec) as process:
        await bus.publish(order)
        await bus.wait_until_handled(LISTENERS)
        process.kill()

        async with start_expiration() as expiration:
            assert await expired_orders(expiration.bus, 1) == [order.id]
            headers = (await bus.js.get_msg("EXPIRATION", 1)).headers

    assert headers is not None
    assert datetime.fromisoformat(headers["ce-time"]) >= order.expires_at


async def test_timer_that_fires_again_after_restart_publishes_same_event(
    start_expiration: StartExpiration,
    redis: Redis,
    new_order: NewOrder,
    timers_are_complete: Condition,
    no_timer_is_left: Condition,
) -> None:
    """The order is not cancelled yet, so the rebuild sets its timer a second time."""
    order = new_order(0.1)
    async with start_expiration() as expiration:
        await expiration.bus.publish(order)
        await expired_orders(expiration.bus, 1)
    await redis.flushdb()

    async with start_expiration() as expiration:
        await eventually(timers_are_complete)
        await eventually(no_timer_is_left)
        assert await expired_orders(expiration.bus, 1) == [order.id]


async def test_many_timers_with_one_time_all_fire(
    expiration: RunningService, new_order: NewOrder
) -> None:
    orders = [new_order(1) for _ in range(100)]

    await asyncio.gather(*(expiration.bus.publish(order) for order in orders))

    expired = await expired_orders(expiration.bus, 100)
    assert sorted(expired) == sorted(order.id for order in orders)
