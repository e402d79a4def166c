"""The catalogue: what can befall the market, each by a name."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import nats
import nats.errors
from nats.aio.client import Client
from tests.faults.faulty_stack import PROCESSES, Stage

from ticketing_testing import eventually
from ticketing_testing.standins import StandInClient

Fault = Callable[[Stage, random.Random], Awaitable[None]]
HELD_BACK = ["TICKET", "ORDER", "PAYMENT", "EXPIRATION"]
PAUSE = "$JS.API.CONSUMER.PAUSE"
CONFIRMING = {"path": "/v1/payment_intents/", "method": "POST"}


async def a_service_is_killed(stage: Stage, dice: random.Random) -> None:
    stage.signal(dice.choice(PROCESSES), signal.SIGKILL)


async def both_replicas_are_killed(stage: Stage, dice: random.Random) -> None:
    service = dice.choice(PROCESSES).removesuffix("-2")
    for part in (service, f"{service}-2"):
        stage.signal(part, signal.SIGKILL)


async def nats_is_killed(stage: Stage, _: random.Random) -> None:
    stage.signal("nats", signal.SIGKILL)


async def mongo_is_killed(stage: Stage, _: random.Random) -> None:
    stage.signal("mongo", signal.SIGKILL)


async def redis_is_killed_and_its_data_lost(stage: Stage, _: random.Random) -> None:
    stage.lose_data("redis")
    stage.signal("redis", signal.SIGKILL)


async def stripe_is_killed(stage: Stage, _: random.Random) -> None:
    stage.signal("stripe", signal.SIGKILL)


async def the_ingress_is_killed(stage: Stage, _: random.Random) -> None:
    stage.signal("ingress", signal.SIGKILL)


async def a_service_stands_still(stage: Stage, dice: random.Random, seconds: float = 6) -> None:
    part = dice.choice(PROCESSES)
    stage.signal(part, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        stage.signal(part, signal.SIGCONT)


async def a_service_stands_still_beyond_its_ack_wait(stage: Stage, dice: random.Random) -> None:
    await a_service_stands_still(stage, dice, seconds=35)


async def stripe_is_slow(stage: Stage, dice: random.Random) -> None:
    await stage.stripe.add_fault("delay", seconds=dice.uniform(1, 4), times=6)


async def stripe_hangs_up_after_the_charge(stage: Stage, _: random.Random) -> None:
    await stage.stripe.add_fault("drop", when="after", times=4, **CONFIRMING)


async def stripe_hangs_up(stage: Stage, _: random.Random) -> None:
    await stage.stripe.add_fault("drop", times=4)


async def stripe_fails(stage: Stage, dice: random.Random) -> None:
    when = dice.choice(["before", "during", "after"])
    await stage.stripe.add_fault("error", status=500, when=when, times=4)


async def stripe_has_had_enough(stage: Stage, _: random.Random) -> None:
    await stage.stripe.add_fault("error", status=429, times=6)


async def webhooks_come_twice(stage: Stage, _: random.Random) -> None:
    await stage.stripe.set_webhook_treatment(copies=2)


async def webhooks_are_held_back_and_come_in_reverse(stage: Stage, _: random.Random) -> None:
    await stage.stripe.set_webhook_treatment(hold=True)
    await asyncio.sleep(3)
    await stage.stripe.set_webhook_treatment(reverse=True)


async def webhooks_are_lost(stage: Stage, _: random.Random) -> None:
    await stage.stripe.set_webhook_treatment(copies=0)
    await asyncio.sleep(3)
    await stage.stripe.set_webhook_treatment()


async def all_services_are_restarted_one_by_one(stage: Stage, _: random.Random) -> None:
    for part in PROCESSES:
        before = stage.pid(part)
        stage.signal(part, signal.SIGTERM)
        await eventually(partial(_is_another, stage, part, before))


async def _is_another(stage: Stage, part: str, pid: int | None) -> bool:
    return stage.pid(part) not in (pid, None)


async def a_stream_is_held_back(stage: Stage, dice: random.Random) -> None:
    """One service hears nothing of one noun for a while, and all of it late."""
    connection = await nats.connect(stage.nats_url, connect_timeout=2, max_reconnect_attempts=1)
    try:
        stream = dice.choice(HELD_BACK)
        names = await _who_hears(connection, stream)
        if names:
            until = "2100-01-01T00:00:00Z"
            subject = f"{PAUSE}.{stream}.{dice.choice(names)}"
            await connection.request(subject, f'{{"pause_until": "{until}"}}'.encode(), timeout=2)
            try:
                await asyncio.sleep(dice.uniform(2, 5))
            finally:
                await connection.request(subject, b"{}", timeout=5)
    finally:
        await connection.close()


async def _who_hears(connection: Client, stream: str) -> list[str]:
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
        (a_service_stands_still, 3),
        (a_service_stands_still_beyond_its_ack_wait, 1),
        (stripe_is_slow, 2),
        (stripe_hangs_up_after_the_charge, 3),
        (stripe_hangs_up, 2),
        (stripe_fails, 3),
        (stripe_has_had_enough, 2),
        (webhooks_come_twice, 2),
        (webhooks_are_held_back_and_come_in_reverse, 2),
        (webhooks_are_lost, 1),
        (all_services_are_restarted_one_by_one, 1),
        (a_stream_is_held_back, 3),
    ]
}
LONG = {"a service stands still beyond its ack wait", "all services are restarted one by one"}
"""Left out where time is short."""

MAY_FAIL = (httpx.HTTPError, nats.errors.Error, OSError, AssertionError)
"""How a fault that strikes what another has struck already ends."""


async def heal(stage: Stage) -> None:
    """Nothing more goes wrong from here on: what stands still goes on, Stripe is well."""
    for part in PROCESSES:
        stage.signal(part, signal.SIGCONT)
    await eventually(partial(_stripe_is_well, stage))
    await eventually(partial(_nothing_is_held_back, stage))


async def _stripe_is_well(stage: Stage) -> bool:
    try:
        await StandInClient.reset(stage.stripe)
        await stage.stripe.set_webhook_treatment()
    except httpx.HTTPError:
        return False
    return True


async def _nothing_is_held_back(stage: Stage) -> bool:
    """Who held a stream back may not have reached the broker to let it go: it was killed, too."""
    try:
        connection = await nats.connect(stage.nats_url, connect_timeout=2, allow_reconnect=False)
        try:
            for stream in HELD_BACK:
                for name in await _who_hears(connection, stream):
                    await connection.request(f"{PAUSE}.{stream}.{name}", b"{}", timeout=5)
        finally:
            await connection.close()
    except (nats.errors.Error, OSError):
        return False
    return True
