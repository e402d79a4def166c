"""Orders hears of a payment long after the order's time: it is waited for all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from ticketing_common.events import TicketCreated
from ticketing_common.web.sessions import COOKIE, Sessions
from ticketing_dev.stack.processes import servers, services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.store_servers import StoreServers

PURCHASES = 6
WINDOW_SECONDS = 20


@dataclass(frozen=True)
class Shop:
    """Orders, payments and expiration, each a process, on a bus of their own."""

    nats: Process
    buyer: httpx.AsyncClient
    urls: dict[str, str]

    async def ask(self, service: str, method: str, path: str, **sent: Any) -> httpx.Response:
        address = f"{self.urls[service]}/api/{service}{path}"
        return await self.buyer.request(method, address, **sent)

    async def order(self, ticket: TicketCreated) -> dict[str, Any]:
        """An order that payments has heard of too."""

        async def placed() -> dict[str, Any] | None:
            answer = await self.ask("orders", "POST", "", json={"ticketId": ticket.id})
            return dict(answer.json()) if answer.status_code == 201 else None

        order = await eventually(placed)

        async def is_known() -> bool:
            asked = {"orderId": (order or {})["id"]}
            return (await self.ask("payments", "GET", "", params=asked)).status_code == 200

        await eventually(is_known)
        return order or {}


@asynccontextmanager
async def open_shop(
    environment: TestEnvironment, store_servers: StoreServers, folder: Path
) -> AsyncIterator[Shop]:
    buyer = new_user()
    nats = servers.nats(free_port(), folder / "nats")
    stripe = stripe_stand_in(free_port(), folder / "stripe")
    settings = environment.settings() | {"nats_url": nats.url}
    more: dict[str, dict[str, Any]] = {
        "orders": {"expiration_window_seconds": WINDOW_SECONDS},
        "payments": {
            "stripe_key": "sk_test_late",
            "stripe_webhook_secret": "whsec_late",
            "stripe_api_base": stripe.url,
        },
        "expiration": {},
    }
    cookie = Sessions([settings["jwt_key"]]).issue(buyer)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(run_process(nats))
        await stack.enter_async_context(run_process(stripe))
        urls = {}
        for service, its_own in more.items():
            uri = store_servers.mongo_uri(f"late_{service}")
            env = environment_variables(settings | {"mongo_uri": uri} | its_own)
            part = services.service(service, free_port(), folder / service, env)
            await stack.enter_async_context(run_process(part))
            urls[service] = part.url
        http = httpx.AsyncClient(cookies={COOKIE: cookie}, timeout=30)
        yield Shop(broker, await stack.enter_async_context(http), urls)


async def test_an_order_that_is_paid_in_time_does_not_expire_because_nobody_could_tell_it(
    environment: TestEnvironment, store_servers: StoreServers, tmp_path: Path
) -> None:
    """NATS is away from before the payments until after the orders' time."""
    async with open_shop(environment, store_servers, tmp_path) as shop:
        tickets = [new_event(TicketCreated) for _ in range(PURCHASES + 1)]
        async with Bus.open(shop.nats.spec.url) as bus:
            await bus.publish(*tickets)
        *orders, unpaid = await asyncio.gather(*map(shop.order, tickets))
        shop.nats.kill()
        paid = []
        for order in orders:
            body = {"orderId": order["id"], "token": "tok_visa"}
            answer = await shop.ask("payments", "POST", "", json=body)
            if answer.status_code == 201:
                paid.append(order["id"])
        assert paid, "the machine is too slow to pay within the time"

        ends = datetime.fromisoformat(unpaid["expiresAt"])
        await asyncio.sleep(max(0, (ends - datetime.now(UTC)).total_seconds()) + 1)
        await asyncio.to_thread(shop.nats.start)

        async def all_have_ended() -> dict[str, str]:
            shown = (await shop.ask("orders", "GET", "")).json()
            assert {order["status"] for order in shown} <= {"complete", "cancelled"}, shown
            return {order["id"]: order["status"] for order in shown}

        ended = await eventually(all_have_ended)
        assert [ended[order] for order in paid] == ["complete"] * len(paid)
        assert ended[unpaid["id"]] == "cancelled"
