"""Four times the load that a service can take: some are told to come again, nothing else."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient
from tests.resilience.load import Answer, ConcurrencyLimitMiddleware

from ticketing_common.events import TicketCreated
from ticketing_common.web.sessions import COOKIE, Sessions
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, eventually, new_user
from ticketing_testing.processes import environment_variables, run_process

CALM_SECONDS, STORM_SECONDS = 3, 6
AS_MUCH = 4


class Shop:
    """tickets, in a process of its own, and the crowd before it."""

    def __init__(self, url: str, bus: Bus, environment: TestEnvironment) -> None:
        self.url = url
        self.bus = bus
        self._world = environment
        cookie = Sessions([environment.settings()["jwt_key"]]).issue(new_user())
        self.crowd = ConcurrencyLimitMiddleware(
            url.removeprefix("http://"),
            "/api/tickets",
            f"{COOKIE}={cookie}",
            {"title": "A seat", "price": 20},
        )

    async def kept(self) -> set[str]:
        """The tickets that it has."""
        client: AsyncMongoClient[Any] = AsyncMongoClient(self._world.mongo_uri)
        async with client:
            rows = client.get_default_database()["tickets"].find({}, {"_id": 1})
            return {str(row["_id"]) async for row in rows}

    async def told(self) -> list[str]:
        """The tickets that it has told the others of."""
        return [event.id for event in await self.bus.published(TicketCreated, 0)]


@pytest.fixture
async def shop(environment: TestEnvironment, tmp_path: Path) -> AsyncIterator[Shop]:
    part = services.service(
        "tickets", free_port(), tmp_path, environment_variables(environment.settings())
    )
    async with Bus.open(environment.nats_url) as bus, run_process(part):
        yield Shop(part.url, bus, environment)


def made(answers: list[Answer]) -> set[str]:
    return {answer.body["id"] for answer in answers if answer.status == 201}


async def test_beyond_what_it_can_take_a_service_says_so_and_recovers_by_itself(shop: Shop) -> None:
    calm = await shop.crowd.in_turn(16, CALM_SECONDS)
    capacity = len(made(calm)) / CALM_SECONDS

    storm: list[Answer] = []
    a_second = AS_MUCH * capacity / 2
    async with httpx.AsyncClient(base_url=shop.url, timeout=30) as probe:
        # It could take more than it did, where something else had the machine meanwhile.
        while {answer.status for answer in storm} <= {201}:
            a_second *= 2
            storming = asyncio.create_task(shop.crowd.all_the_time(a_second, STORM_SECONDS))
            await asyncio.sleep(STORM_SECONDS / 2)
            alive = (await probe.get("/healthz")).status_code
            storm += await storming

        async def is_ready() -> bool:
            return (await probe.get("/readyz")).status_code == 200

        assert await eventually(is_ready)
    after = await shop.crowd.ask()

    ends = Counter(answer.status for answer in storm)
    assert set(ends) == {201, 503}, ends
    assert (alive, after.status) == (200, 201)
    for answer in storm:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.body["errors"][0]["message"]
    accepted = made([*calm, *storm, after])
    kept = await shop.kept()
    assert accepted <= kept, "a 503 may be of one that was kept, but no 201 of one that was not"

    async def all_told() -> bool:
        told = await shop.told()
        return len(told) == len(kept) and set(told) == kept

    assert await eventually(all_told)
    slowest = max(answer.seconds for answer in storm if answer.status == 201)
    print(
        f"{capacity:.0f} writes a second at most; asked for {a_second:.0f}:"
        f" {ends[201]} made, {ends[503]} told to come again,"
        f" the slowest took {slowest:.2f} s, one afterwards {after.seconds:.3f} s"
    )
