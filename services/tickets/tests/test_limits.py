from collections.abc import AsyncIterator

import httpx
import pytest

from ticketing_testing import RunningService, TestEnvironment, new_user
from tickets.app import create_app
from tickets.settings import TicketsSettings

TICKET = {"title": "Concert", "price": 25}


@pytest.fixture
async def tickets(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    strict = {
        "limits_by_address_factor": 1,
        "limit_listings_by_account": "3 per hour",
        "limit_writes_by_address": "5 per hour",
        "trusted_proxies": "127.0.0.1",
    }
    settings = TicketsSettings(**environment.settings() | strict)
    async with environment.serve(create_app(settings)) as service:
        yield service


async def list_ticket(client: httpx.AsyncClient, address: str) -> httpx.Response:
    headers = {"X-Forwarded-For": address}
    return await client.post("/api/tickets", json=TICKET, headers=headers)


async def test_listings_of_an_account_are_limited_at_every_address(
    tickets: RunningService,
) -> None:
    seller = await tickets.client(new_user())

    responses = [await list_ticket(seller, f"203.0.113.{number}") for number in range(5)]

    assert [response.status_code for response in responses] == [201, 201, 201, 429, 429]
    assert responses[0].headers["RateLimit"] == (
        '"writes_by_address";r=4, "listings_by_account";r=2'
    )
    other = await tickets.client(new_user())
    assert (await list_ticket(other, "203.0.113.0")).status_code == 201


async def test_writes_of_an_address_are_limited_over_its_accounts(tickets: RunningService) -> None:
    statuses = [
        (await list_ticket(await tickets.client(new_user()), "203.0.113.7")).status_code
        for _ in range(7)
    ]

    assert statuses == [201] * 5 + [429] * 2


async def test_reads_have_no_limit_by_address(tickets: RunningService) -> None:
    client = await tickets.client()

    responses = [await client.get("/api/tickets") for _ in range(20)]

    assert {response.status_code for response in responses} == {200}
    assert "RateLimit" not in responses[0].headers
