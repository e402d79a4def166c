"""A process that is killed between its commit and its acknowledgement."""

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.listeners.cases import case_of
from tests.listeners.conftest import Serve
from tests.listeners.effects import documents, published, timers
from tests.listeners.services import LISTENERS, LISTENERS_OF

from ticketing_common.messaging.listeners import Listener
from ticketing_testing import Bus, TestEnvironment

EVENT_OF = {
    "tickets": "OrderCreated",
    "orders": "TicketDeleted",
    "payments": "OrderCancelled",
    "expiration": "OrderCreated",
    "contact": "OrderCompleted",
}
"""By service, the event whose handler has the most effects."""

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", LISTENERS_OF)
async def test_service_that_is_killed_before_acknowledging_has_effects_once(
    service: str, environment: TestEnvironment, serve: Serve
) -> None:
    listener: Listener = next(
        each
        for each in LISTENERS
        if (each.service, each.event.__name__) == (service, EVENT_OF[service])
    )
    case = case_of(listener)
    async with serve(service, environment, case.documents) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(LISTENERS_OF[service])
        before = await documents(environment), await timers(environment)
    async with Bus.open(environment.nats_url, service) as bus:
        await bus.publish(case.event)
    await _run_until_killed(service, environment)
    once = await documents(environment), await timers(environment)
    assert once != before, "it was killed before its commit"

    async with serve(service, environment) as bus:
        await bus.wait_until_handled(LISTENERS_OF[service])

        assert (await documents(environment), await timers(environment)) == once
        subjects = [subject for subject, _ in await published(bus, service)]
        assert len(subjects) == len(set(subjects))
        assert await bus.dead_letters() == []


async def _run_until_killed(service: str, environment: TestEnvironment) -> None:
    """Run the service until it kills itself instead of its first acknowledgement."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.listeners.killed_service", service,
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        await process.communicate(json.dumps(asdict(environment)).encode())
    assert process.returncode == -signal.SIGKILL
