"""A real process, really killed between its commit and its acknowledgement."""

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.listeners.cases import case_of
from tests.listeners.conftest import Serve
from tests.listeners.effects import documents, said, timers
from tests.listeners.services import LISTENERS, LISTS

from ticketing_common.messaging.listeners import Listener
from ticketing_testing import Bus, TestEnvironment

MOST = {
    "tickets": "OrderCreated",
    "orders": "TicketDeleted",
    "payments": "OrderCancelled",
    "expiration": "OrderCreated",
    "contact": "OrderCompleted",
}
"""By service, the event whose handler does most."""

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", LISTS)
async def test_a_service_that_is_killed_between_commit_and_acknowledgement_does_nothing_twice(
    service: str, environment: TestEnvironment, serve: Serve
) -> None:
    listener: Listener = next(
        each
        for each in LISTENERS
        if (each.service, each.event.__name__) == (service, MOST[service])
    )
    case = case_of(listener)
    async with serve(service, environment, case.given) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(LISTS[service])
        before = await documents(environment), await timers(environment)
    async with Bus.open(environment.nats_url) as bus:
        await bus.publish(case.event)
    await _dies(service, environment)
    once = await documents(environment), await timers(environment)
    assert once != before, "it died before it committed anything"

    async with serve(service, environment) as bus:
        await bus.wait_until_handled(LISTS[service])

        assert (await documents(environment), await timers(environment)) == once
        told = [subject for subject, _ in await said(bus, service)]
        assert len(told) == len(set(told))
        assert await bus.dead_letters() == []


async def _dies(service: str, environment: TestEnvironment) -> None:
    """Run the service until it kills itself, which it does with its first acknowledgement."""
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
