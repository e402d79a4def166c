"""When an order's time is over, it is told: then, and once."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from expiration.handlers import listening
from expiration.timers import Timers
from ticketing_common.events import (
    DomainEvent,
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCreated,
)
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event
from ticketing_testing.processes import environment_variables, run_process

LISTENERS = listening(Timers("redis://nowhere"))


async def told(bus: Bus, count: int) -> list[str]:
    """The orders that were told of, once there are so many."""
    return [event.order_id for event in await bus.published(ExpirationCompleted, count)]


async def test_it_is_told_when_the_time_is_over_not_before_and_not_much_later(
    expiration: RunningService, order_for: Any
) -> None:
    orders = {order.id: order for order in map(order_for, (0.7, 1.4, 2.1, 2.8))}
    await expiration.bus.publish(*orders.values())

    assert set(await told(expiration.bus, len(orders))) == {*orders}
    late = []
    for sequence in range(1, len(orders) + 1):
        headers = (await expiration.bus.js.get_msg("EXPIRATION", sequence)).headers
        assert headers is not None
        at = datetime.fromisoformat(headers["ce-time"])
        late.append(at - orders[headers["ce-id"]].expires_at)
    # Whatever else the machine does makes some later, and none sooner.
    assert timedelta(0) <= min(late) < timedelta(seconds=5)


async def test_orders_are_told_of_in_the_order_of_their_times(
    expiration: RunningService, order_for: Any
) -> None:
    later, sooner = order_for(3600), order_for(0.5)
    await expiration.bus.publish(later, sooner)
    assert await told(expiration.bus, 1) == [sooner.id]


async def test_an_order_that_we_hear_of_too_late_is_told_of_at_once(
    expiration: RunningService, order_for: Any
) -> None:
    order = order_for(-3600)
    await expiration.bus.publish(order)
    assert await told(expiration.bus, 1) == [order.id]


async def test_a_cancelled_order_is_not_told_of(
    expiration: RunningService, redis: Any, order_for: Any
) -> None:
    cancelled, other = order_for(3600), order_for(3600)
    await expiration.bus.publish(
        cancelled,
        other,
        new_event(OrderCancelled, id=cancelled.id, version=1, status="cancelled"),
    )
    await expiration.bus.wait_until_handled(LISTENERS)
    for order in (cancelled, other):  # their time is over
        await redis.zadd("arq:queue", {order.id: 1}, xx=True)
    await eventually(lambda: none_left(redis))
    assert await told(expiration.bus, 1) == [other.id]


async def test_an_order_that_is_being_paid_is_told_of_all_the_same(
    expiration: RunningService, order_for: Any
) -> None:
    """Whether it is late is for orders to say."""
    order = order_for(0.5)
    awaiting = new_event(OrderAwaitingPayment, id=order.id, version=1, status="awaiting:payment")
    await expiration.bus.publish(order, awaiting)
    assert await told(expiration.bus, 1) == [order.id]


async def test_an_event_that_comes_twice_is_one_timer(
    expiration: RunningService, order_for: Any
) -> None:
    order, last = order_for(0.6), order_for(1.2)
    for _ in range(3):
        await expiration.bus.publish(order, bypass_deduplication=True)
    await expiration.bus.publish(last)
    assert sorted(await told(expiration.bus, 2)) == sorted([order.id, last.id])


@pytest.mark.parametrize("event", [OrderCreated, OrderCancelled])
async def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nothing(
    expiration: RunningService, order_for: Any, event: type[DomainEvent]
) -> None:
    order = order_for(0.1)
    await expiration.bus.publish_raw(event, b'{"id": "not an id"}')
    await expiration.bus.publish(order)

    (letter,) = await expiration.bus.dead_letters(1)
    assert letter.data == b'{"id": "not an id"}'
    assert letter.headers is not None
    assert f"Not a {event.__name__}: id: " in letter.headers["Dead-Letter-Cause"]
    assert await told(expiration.bus, 1) == [order.id]


async def test_two_replicas_tell_once(
    environment: TestEnvironment, expiration: RunningService, order_for: Any, tmp_path: Path
) -> None:
    orders = [order_for(2) for _ in range(10)]
    part = services.service(
        "expiration", free_port(), tmp_path, environment_variables(environment.settings())
    )
    async with run_process(part):
        await expiration.bus.publish(*orders)
        heard = await told(expiration.bus, 10)
    assert sorted(heard) == sorted(order.id for order in orders)


async def test_a_timer_outlives_the_process_that_set_it(
    environment: TestEnvironment, start: Any, order_for: Any, tmp_path: Path
) -> None:
    order = order_for(3)
    part = services.service(
        "expiration", free_port(), tmp_path, environment_variables(environment.settings())
    )
    async with Bus.open(environment.nats_url) as bus, run_process(part) as process:
        await bus.publish(order)
        await bus.wait_until_handled(LISTENERS)
        process.kill()

        async with start() as expiration:
            assert await told(expiration.bus, 1) == [order.id]
            headers = (await bus.js.get_msg("EXPIRATION", 1)).headers
    assert headers is not None
    assert datetime.fromisoformat(headers["ce-time"]) >= order.expires_at


async def test_what_was_told_before_a_restart_is_the_same_event_after_it(
    start: Any, redis: Any, order_for: Any
) -> None:
    """Nobody has cancelled the order yet, so it is told again: under the same id."""
    order = order_for(0.1)
    async with start() as expiration:
        await expiration.bus.publish(order)
        await told(expiration.bus, 1)
    await redis.flushdb()

    async with start() as expiration:
        await eventually(lambda: redis.exists("timers:complete"))
        await eventually(lambda: none_left(redis))
        assert await told(expiration.bus, 1) == [order.id]


async def none_left(redis: Any) -> bool:
    return not await redis.exists("arq:queue")


async def test_many_orders_that_end_at_once_are_all_told_of_soon(
    expiration: RunningService, order_for: Any
) -> None:
    orders = [order_for(1.5) for _ in range(100)]
    await asyncio.gather(*(expiration.bus.publish(order) for order in orders))
    heard = await told(expiration.bus, 100)
    assert sorted(heard) == sorted(order.id for order in orders)
