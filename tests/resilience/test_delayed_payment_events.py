"""Payments' events that reach orders long after the end of the time to pay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from ticketing_common.events import TicketCreated
from ticketing_dev.stack.processes import servers, services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, TestEnvironment, eventually, new_event, new_user, session_cookies
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.store_servers import StoreServers

PURCHASES = 6
WINDOW_SECONDS = 10


@dataclass(frozen=True)
class PurchaseServices:
    """Orders, payments and expiration, each a process, with a NATS server of their own."""

    nats: Process
    buyer: httpx.AsyncClient
    urls: dict[str, str]

    async def request(
        self, service: str, method: str, path: str = "", **content: Any
    ) -> httpx.Response:
        url = f"{self.urls[service]}/api/{service}{path}"
        return await self.buyer.request(method, url, **content)

    async def order(self, ticket: TicketCreated) -> dict[str, Any]:
        """Order a ticket. Returns the order once payments knows it."""

        async def created() -> dict[str, Any] | None:
            response = await self.request("orders", "POST", json={"ticketId": ticket.id})
            return dict(response.json()) if response.status_code == 201 else None

        order = await eventually(created)
        assert order is not None
        params = {"orderId": order["id"]}

        async def is_known() -> bool:
            response = await self.request("payments", "GET", params=params)
            return response.status_code == 200

        await eventually(is_known)
        return order


@asynccontextmanager
async def run_services(
    environment: TestEnvironment, store_servers: StoreServers, folder: Path
) -> AsyncIterator[PurchaseServices]:
    nats = servers.nats(free_port(), folder / "nats")
    stripe = stripe_stand_in(free_port(), folder / "stripe")
    common = environment.settings() | {"nats_url": nats.url}
    settings: dict[str, dict[str, Any]] = {
        "orders": {"expiration_window_seconds": WINDOW_SECONDS},
        "payments": {
            "stripe_key": "sk_test_late",
            "stripe_webhook_secret": "whsec_late",
            "stripe_api_base": stripe.url,
        },
        "expiration": {},
    }
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(run_process(nats))
        async with Bus.open(nats.url, *settings):
            pass  # creates the streams and consumers
        await stack.enter_async_context(run_process(stripe))
        urls = {}
        for service, own in settings.items():
            uri = store_servers.mongo_uri(f"late_{service}")
            env = environment_variables(common | {"mongo_uri": uri} | own)
            spec = services.service(service, free_port(), folder / service, env)
            await stack.enter_async_context(run_process(spec))
            urls[service] = spec.url
        http = httpx.AsyncClient(cookies=session_cookies(new_user()), timeout=30)
        yield PurchaseServices(broker, await stack.enter_async_context(http), urls)


async def test_orders_expires_no_order_whose_payment_event_is_late(
    environment: TestEnvironment, store_servers: StoreServers, tmp_path: Path
) -> None:
    """NATS is down from before the payments until after the end of the time to pay."""
    async with run_services(environment, store_servers, tmp_path) as running:
        tickets = [new_event(TicketCreated) for _ in range(PURCHASES + 1)]
        async with Bus.open(running.nats.spec.url) as bus:
            await bus.publish(*tickets)
        *orders, unpaid = await asyncio.gather(*map(running.order, tickets))
        running.nats.kill()
        paid = []
        for order in orders:
            body = {"orderId": order["id"], "token": "tok_visa"}
            response = await running.request("payments", "POST", json=body)
            if response.status_code == 201:
                paid.append(order["id"])
        assert paid, "the machine is too slow to pay in time"

        end = datetime.fromisoformat(unpaid["expiresAt"])
        await asyncio.sleep(max(0, (end - datetime.now(UTC)).total_seconds()) + 1)
        await asyncio.to_thread(running.nats.start)

        async def statuses() -> dict[str, str]:
            found = (await running.request("orders", "GET")).json()
            assert {order["status"] for order in found} <= {"complete", "cancelled"}, found
            return {order["id"]: order["status"] for order in found}

        ended = await eventually(statuses)
        assert [ended[order] for order in paid] == ["complete"] * len(paid)
        assert ended[unpaid["id"]] == "cancelled"
