"""Load above a service's capacity: it refuses requests that would wait long, and recovers."""

import asyncio
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient
from tests.resilience.load import LoadGenerator, Response

from ticketing_common.events import TicketCreated
from ticketing_common.web.sessions import SECURE_COOKIE
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, eventually, new_user, session_token
from ticketing_testing.processes import environment_variables, run_process

CLIENTS = 16
CALIBRATION_SECONDS, OVERLOAD_SECONDS = 2, 5
OVERLOAD_FACTOR = 4
CLIENTS_AT_ONCE = 500
"""Clients that send a request at the same moment."""
MAX_ATTEMPTS = 20


class TicketsService:
    """tickets in a process of its own, and a load generator for it."""

    def __init__(self, url: str, bus: Bus, environment: TestEnvironment) -> None:
        self.url = url
        self._bus = bus
        self._environment = environment
        cookie = session_token(new_user())
        self.load = LoadGenerator(
            url.removeprefix("http://"),
            "/api/tickets",
            f"{SECURE_COOKIE}={cookie}",
            {"title": "A seat", "price": 20},
        )

    async def stored(self) -> set[str]:
        """Return the ids of the tickets in the database."""
        client: AsyncMongoClient[Any] = AsyncMongoClient(self._environment.mongo_uri)
        async with client:
            rows = client.get_default_database()["tickets"].find({}, {"_id": 1})
            return {str(row["_id"]) async for row in rows}

    async def published(self) -> list[str]:
        """Return the ids of the tickets with a published event."""
        return [event.id for event in await self._bus.published(TicketCreated, 0)]


@pytest.fixture
async def tickets(environment: TestEnvironment, tmp_path: Path) -> AsyncIterator[TicketsService]:
    spec = services.service(
        "tickets", free_port(), tmp_path, environment_variables(environment.settings())
    )
    async with Bus.open(environment.nats_url, "tickets") as bus, run_process(spec):
        yield TicketsService(spec.url, bus, environment)


def created(responses: list[Response]) -> set[str]:
    return {response.body["id"] for response in responses if response.status == 201}


async def test_service_sheds_excess_load_and_recovers(tickets: TicketsService) -> None:
    calibration = await tickets.load.run_closed_loop(CLIENTS, CALIBRATION_SECONDS)
    capacity = len(created(calibration)) / CALIBRATION_SECONDS

    overload: list[Response] = []
    rate = OVERLOAD_FACTOR * capacity / 2
    async with httpx.AsyncClient(base_url=tickets.url, timeout=30) as probe:
        # The capacity is higher if another process used the machine during the calibration.
        while {response.status for response in overload} <= {201}:
            rate *= 2
            running = asyncio.create_task(tickets.load.run_open_loop(rate, OVERLOAD_SECONDS))
            await asyncio.sleep(OVERLOAD_SECONDS / 2)
            health = (await probe.get("/healthz")).status_code
            overload += await running

        async def is_ready() -> bool:
            return (await probe.get("/readyz")).status_code == 200

        assert await eventually(is_ready)
    afterwards = await tickets.load.send()

    counts = Counter(response.status for response in overload)
    assert set(counts) == {201, 503}, counts
    assert (health, afterwards.status) == (200, 201)
    for response in overload:
        if response.status == 503:
            assert int(response.headers["retry-after"]) > 0
            assert response.body["errors"][0]["message"]
    accepted = created([*calibration, *overload, afterwards])
    stored = await tickets.stored()
    assert accepted <= stored, "a ticket with a 503 may be stored, one with a 201 must be"

    async def all_published() -> bool:
        published = await tickets.published()
        return len(published) == len(stored) and set(published) == stored

    assert await eventually(all_published)
    seconds = {
        status: statistics.median(each.seconds for each in overload if each.status == status)
        for status in counts
    }
    assert seconds[503] < seconds[201], "a refusal does not wait"
    slowest = max(response.seconds for response in overload if response.status == 201)
    print(
        f"Capacity {capacity:.0f} writes per second, rate {rate:.0f}:"
        f" {counts[201]} created in {seconds[201]:.2f} s (the slowest in {slowest:.2f} s),"
        f" {counts[503]} refused in {seconds[503]:.2f} s, one afterwards {afterwards.seconds:.3f} s"
    )


async def test_clients_that_return_after_the_given_time_are_served(
    tickets: TicketsService,
) -> None:
    attempts: list[int] = []

    async def client() -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            response = await tickets.load.send()
            if response.status == 201:
                attempts.append(attempt)
                return
            assert response.status == 503
            await asyncio.sleep(int(response.headers["retry-after"]))

    await asyncio.gather(*(client() for _ in range(CLIENTS_AT_ONCE)))

    print(f"Attempts: {sorted(Counter(attempts).items())}")
    assert len(attempts) == CLIENTS_AT_ONCE, "everybody is served"
    assert statistics.mean(attempts) <= 3
