"""All services are restarted while people shop, and none of them notices."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.system.stack import Market, Person, running_market

# Whole markets run one after the other: two at once take a small machine minutes.
pytestmark = pytest.mark.xdist_group("market")

SHOPPERS = 6
STREAMS = 2
SLOW_SECONDS = 8
"""What some charges take: longer than a process waits until the ingress has forgotten it."""


class Shopper:
    """Lists, looks, orders, pays, and notes how each request ended."""

    def __init__(self, person: Person, ends: Counter[str]) -> None:
        self._person = person
        self._ends = ends

    async def shop(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            ticket = await self._ask("POST", "tickets", {"title": "A seat", "price": 20})
            await self._ask("GET", "tickets")
            await self._ask("GET", "users/currentuser")
            if ticket is None:
                continue
            order = await self._ask("POST", "orders", {"ticketId": ticket["id"]})
            if order is not None:
                await self._ask("POST", "payments", {"orderId": order["id"], "token": "tok_visa"})
                await self._ask("GET", f"orders/{order['id']}")

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, str] | None:
        """What was made, or None where the next service has not heard of it yet: a 404."""
        request = f"{method} {path.partition('/')[0]}"
        try:
            # A connection each, as from many people: httpx does not ask again on one that ends.
            async with httpx.AsyncClient(
                base_url=self._person.base_url, cookies=self._person.cookies, timeout=30
            ) as browser:
                answer = await browser.request(method, f"/api/{path}", json=body)
        except httpx.HTTPError as error:
            self._ends[f"{request}: {error!r}"] += 1
            return None
        later = " with Retry-After" if "Retry-After" in answer.headers else ""
        self._ends[f"{request}: {answer.status_code}{later}"] += 1
        made: dict[str, str] | None = answer.json() if answer.status_code == 201 else None
        return made


@pytest.mark.timeout(900)
async def test_no_request_fails_while_every_service_is_restarted(tmp_path: Path) -> None:
    with running_market(tmp_path, "--replicas", "2") as market:
        ends, restarted = await restart_while_people_shop(market)

        assert restarted.returncode == 0, what_happened(market, restarted.stderr)
        assert restarted.stdout.count("is back after") == 12
        failed = {end: count for end, count in ends.items() if not is_fine(end)}
        assert not failed, ends
        await market.audited()
    print(restarted.stdout, f"{ends.total()} requests", *ends.most_common(), sep="\n")


async def restart_while_people_shop(market: Market) -> tuple[Counter[str], Any]:
    ends: Counter[str] = Counter()
    enough = asyncio.Event()
    async with market.browsers:
        people = [await market.somebody() for _ in range(SHOPPERS)]
        await market.stripe.add_fault("delay", seconds=SLOW_SECONDS, times=SHOPPERS)
        async with asyncio.TaskGroup() as shopping:
            window = shopping.create_task(look_on(people[0], ends))
            for person in people:
                shopping.create_task(Shopper(person, ends).shop(enough))
            restarted = await asyncio.to_thread(market.ticketing, "restart")
            enough.set()
            window.cancel()
    return ends, restarted


async def look_on(person: Person, ends: Counter[str]) -> None:
    """An open page: its stream ends with the process that it comes from, and is opened again.

    A few times: each process that leaves waits for whoever still watches.
    """
    for _ in range(STREAMS):
        async with person.stream("GET", "/api/tickets/stream") as answer:
            ends[f"GET stream: {answer.status_code}"] += 1
            with suppress(httpx.RemoteProtocolError):
                async for _ in answer.aiter_raw():
                    pass


def what_happened(market: Market, complaint: str) -> str:
    """With the last words of whoever did not come back."""
    log = market.ticketing("logs", complaint.partition(" ")[0]).stdout.splitlines()
    return "\n".join([complaint, *log[-40:], json.dumps(market.status()["processes"])])


def is_fine(end: str) -> bool:
    """404: the next service has not heard of it yet. 400: somebody's time to pay was over.

    And payments itself, not the ingress, may say that Stripe was slower than it waits: on a machine
    that has too much to do, a slow charge becomes one.
    """
    request, _, status = end.partition(": ")
    if end == "POST payments: 503 with Retry-After":
        return True
    return status in ("200", "201") or (request.startswith("POST") and status in ("400", "404"))
