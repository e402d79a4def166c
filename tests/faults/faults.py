"""The faults, each by its name."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import httpx
import nats
import nats.errors
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from tests.faults.faulty_stack import PROCESSES, FaultyStack

from ticketing_testing import eventually
from ticketing_testing.standins import StandInClient

Fault = Callable[[FaultyStack, random.Random], Awaitable[None]]
PAUSED_STREAMS = ["TICKET", "ORDER", "PAYMENT", "EXPIRATION"]
PAUSE_SUBJECT = "$JS.API.CONSUMER.PAUSE"
CONFIRM_REQUEST = {"path": "/v1/payment_intents/", "method": "POST"}


async def a_service_is_killed(stack: FaultyStack, dice: random.Random) -> None:
    stack.signal(dice.choice(PROCESSES), signal.SIGKILL)


async def both_replicas_are_killed(stack: FaultyStack, dice: random.Random) -> None:
    service = dice.choice(PROCESSES).removesuffix("-2")
    for process in (service, f"{service}-2"):
        stack.signal(process, signal.SIGKILL)


async def nats_is_killed(stack: FaultyStack, _: random.Random) -> None:
    stack.signal("nats", signal.SIGKILL)


async def mongo_is_killed(stack: FaultyStack, _: random.Random) -> None:
    stack.signal("mongo", signal.SIGKILL)


async def redis_is_killed_and_its_data_lost(stack: FaultyStack, _: random.Random) -> None:
    stack.delete_data("redis")
    stack.signal("redis", signal.SIGKILL)


async def stripe_is_killed(stack: FaultyStack, _: random.Random) -> None:
    stack.signal("stripe", signal.SIGKILL)


async def the_ingress_is_killed(stack: FaultyStack, _: random.Random) -> None:
    stack.signal("ingress", signal.SIGKILL)


async def a_service_freezes(stack: FaultyStack, dice: random.Random, seconds: float = 6) -> None:
    process = dice.choice(PROCESSES)
    stack.signal(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        stack.signal(process, signal.SIGCONT)


async def a_service_freezes_beyond_its_ack_wait(stack: FaultyStack, dice: random.Random) -> None:
    await a_service_freezes(stack, dice, seconds=35)


async def stripe_is_slow(stack: FaultyStack, dice: random.Random) -> None:
    await stack.stripe.add_fault("delay", seconds=dice.uniform(1, 4), times=6)


async def stripe_drops_connections_after_the_charge(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.add_fault("drop", when="after", times=4, **CONFIRM_REQUEST)


async def stripe_drops_connections(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.add_fault("drop", times=4)


async def stripe_fails(stack: FaultyStack, dice: random.Random) -> None:
    when = dice.choice(["before", "during", "after"])
    await stack.stripe.add_fault("error", status=500, when=when, times=4)


async def stripe_limits_the_rate(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.add_fault("error", status=429, times=6)


async def webhooks_are_duplicated(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.set_webhook_faults(copies=2)


async def webhooks_are_delayed_and_reversed(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.set_webhook_faults(hold=True)
    await asyncio.sleep(3)
    await stack.stripe.set_webhook_faults(reverse=True)


async def webhooks_are_lost(stack: FaultyStack, _: random.Random) -> None:
    await stack.stripe.set_webhook_faults(copies=0)
    await asyncio.sleep(3)
    await stack.stripe.set_webhook_faults()


async def all_services_are_restarted_one_by_one(stack: FaultyStack, _: random.Random) -> None:
    for process in PROCESSES:
        before = stack.pid(process)
        stack.signal(process, signal.SIGTERM)
        await eventually(partial(_has_new_pid, stack, process, before))


async def _has_new_pid(stack: FaultyStack, process: str, pid: int | None) -> bool:
    return stack.pid(process) not in (pid, None)


async def a_consumer_is_paused(stack: FaultyStack, dice: random.Random) -> None:
    """Deliver no event of one stream to one service for a while."""
    stream, service = dice.choice(PAUSED_STREAMS), dice.choice(PROCESSES)
    with suppress(NotFoundError):
        async with paused_consumer(stack, stream, service.removesuffix("-2")):
            await asyncio.sleep(dice.uniform(2, 5))


@asynccontextmanager
async def paused_consumer(stack: FaultyStack, stream: str, service: str) -> AsyncIterator[None]:
    """Deliver no event of a stream to a service during the block. Raises: NotFoundError."""
    connection = await nats.connect(stack.nats_url, connect_timeout=2, max_reconnect_attempts=1)
    try:
        await connection.jsm().consumer_info(stream, service, timeout=2)
        subject = f"{PAUSE_SUBJECT}.{stream}.{service}"
        until = "2100-01-01T00:00:00Z"
        await connection.request(subject, f'{{"pause_until": "{until}"}}'.encode(), timeout=2)
        try:
            yield
        finally:
            await connection.request(subject, b"{}", timeout=5)
    finally:
        await connection.close()


async def _consumers_of(connection: Client, stream: str) -> list[str]:
    consumers = await connection.jsm().consumers_info(stream)
    return [info.name for info in consumers if info.name in PROCESSES]


FAULTS: dict[str, tuple[Fault, int]] = {
    fault.__name__.replace("_", " "): (fault, weight)
    for fault, weight in [
        (a_service_is_killed, 6),
        (both_replicas_are_killed, 3),
        (nats_is_killed, 2),
        (mongo_is_killed, 2),
        (redis_is_killed_and_its_data_lost, 2),
        (stripe_is_killed, 1),
        (the_ingress_is_killed, 1),
        (a_service_freezes, 3),
        (a_service_freezes_beyond_its_ack_wait, 1),
        (stripe_is_slow, 2),
        (stripe_drops_connections_after_the_charge, 3),
        (stripe_drops_connections, 2),
        (stripe_fails, 3),
        (stripe_limits_the_rate, 2),
        (webhooks_are_duplicated, 2),
        (webhooks_are_delayed_and_reversed, 2),
        (webhooks_are_lost, 1),
        (all_services_are_restarted_one_by_one, 1),
        (a_consumer_is_paused, 3),
    ]
}
LONG_FAULTS = {"a service freezes beyond its ack wait", "all services are restarted one by one"}
"""Not used in short runs."""

EXPECTED_ERRORS = (httpx.HTTPError, nats.errors.Error, OSError, AssertionError)
"""Errors of a fault whose target another fault has stopped."""


async def end_faults(stack: FaultyStack) -> None:
    """Resume frozen processes and paused consumers, and remove the stand-in's faults."""
    for process in PROCESSES:
        stack.signal(process, signal.SIGCONT)
    await eventually(partial(_reset_stripe, stack))
    await eventually(partial(_resume_consumers, stack))


async def _reset_stripe(stack: FaultyStack) -> bool:
    try:
        await StandInClient.reset(stack.stripe)
        await stack.stripe.set_webhook_faults()
    except httpx.HTTPError:
        return False
    return True


async def _resume_consumers(stack: FaultyStack) -> bool:
    """Resume all consumers: the broker may have been down when a pause was to end."""
    try:
        connection = await nats.connect(stack.nats_url, connect_timeout=2, allow_reconnect=False)
        try:
            for stream in PAUSED_STREAMS:
                for name in await _consumers_of(connection, stream):
                    subject = f"{PAUSE_SUBJECT}.{stream}.{name}"
                    await connection.request(subject, b"{}", timeout=5)
        finally:
            await connection.close()
    except (nats.errors.Error, OSError):
        return False
    return True
