"""A scenario that sends every request and causes every event of the system."""

import itertools
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from bson import ObjectId
from tests.commands.recording import Command, Record
from tests.commands.system import RecordedSystem, http_client

from ticketing_common.events import DomainEvent, ExpirationCompleted, TicketDeleted, utc_now

PASSWORD = "correct horse battery staple"
IDLE_SECONDS = 12.0
"""Longer than two periods of every background job but reconciliation."""

_numbers = itertools.count(1)


@dataclass
class Measurement:
    """The work of the services in several runs of the scenario."""

    records: defaultdict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    """By service, of all steps."""
    orders: list[dict[str, Record]] = field(default_factory=list)
    """Of each placed order, by service."""
    purchases: list[dict[str, Record]] = field(default_factory=list)
    """Of each payment of an order."""
    idle: defaultdict[str, set[Command]] = field(default_factory=lambda: defaultdict(set))
    """The commands of an idle service."""


async def measure(system: RecordedSystem, idle_seconds: float = IDLE_SECONDS) -> Measurement:
    """Run the scenario and return the measurement, without the first run: it fills caches."""
    await Scenario(system, Measurement()).run()
    measurement = Measurement()
    await system.idle(idle_seconds)
    for service, record in system.read().items():
        measurement.idle[service] |= set(record.background)
    for _ in range(2):
        await Scenario(system, measurement).run()
    return measurement


class Scenario:
    """One run: a seller, a buyer, and tickets that are bought, cancelled, expired and refunded."""

    def __init__(self, system: RecordedSystem, measurement: Measurement) -> None:
        self._system = system
        self._measurement = measurement
        self._clients = AsyncExitStack()

    async def run(self) -> None:
        async with self._clients:
            seller, _ = await self._sign_up()
            buyer, email = await self._sign_up()
            await self._use_account(buyer, email)
            await self._manage_tickets(seller)
            await self._buy(seller, buyer)
            await self._end_orders(seller, buyer)

    async def _step(self, action: Callable[[], Awaitable[Any]]) -> dict[str, Record]:
        records = await self._system.record(action)
        for service, record in records.items():
            self._measurement.records[service].append(record)
        return records

    async def _send(
        self, client: httpx.AsyncClient, method: str, path: str, **content: Any
    ) -> httpx.Response:
        """Send a request as a step of its own, and return its response."""
        url = self._url(path)
        responses = []

        async def send() -> None:
            responses.append(await client.request(method, url, **content))

        await self._step(send)
        (response,) = responses
        assert response.status_code < 500, response.text
        return response

    def _url(self, path: str) -> str:
        service = "auth" if path.startswith("/api/users") else path.split("/")[2].partition("?")[0]
        return self._system.urls[service] + path

    async def _publish(self, event: DomainEvent) -> None:
        async def publish() -> None:
            await self._system.bus.publish(event)

        await self._step(publish)

    async def _sign_up(self) -> tuple[httpx.AsyncClient, str]:
        client = await self._clients.enter_async_context(http_client())
        email = f"person{next(_numbers)}@example.com"
        await self._send(
            client, "POST", "/api/users/signup", json={"email": email, "password": PASSWORD}
        )
        return client, email

    async def _use_account(self, buyer: httpx.AsyncClient, email: str) -> None:
        await self._send(buyer, "GET", "/api/users/currentuser")
        await self._send(buyer, "POST", "/api/users/forgot-password", json={"email": email})
        nobody = {"email": "nobody@example.com", "password": PASSWORD}
        await self._send(buyer, "POST", "/api/users/forgot-password", json=nobody)
        for account in ({"email": email, "password": "another one"}, nobody):
            await self._send(buyer, "POST", "/api/users/signin", json=account)
        token = {"token": await self._reset_token(email)}
        await self._send(buyer, "POST", "/api/users/validate-token", json=token)
        new = {"newPassword": PASSWORD, "repeatedNewPassword": PASSWORD}
        await self._send(buyer, "POST", "/api/users/reset-password", json=token | new)
        await self._send(buyer, "POST", "/api/users/signout")
        account = {"email": email, "password": PASSWORD}
        await self._send(buyer, "POST", "/api/users/signin", json=account)
        await self._send(buyer, "POST", "/api/users/signout")
        await self._send(buyer, "POST", "/api/users/signin", json=account)
        await self._send(buyer, "POST", "/api/users/signout-everywhere")
        await self._send(buyer, "POST", "/api/users/signin", json=account)

    async def _reset_token(self, email: str) -> str:
        mails = await self._system.sendgrid.get("/api/mails", to=email)
        tokens = re.findall(r"reset-password\?token=([\w.-]+)", str(mails))
        return str(tokens[0])

    async def _manage_tickets(self, seller: httpx.AsyncClient) -> None:
        ticket = await self._new_ticket(seller)
        path = f"/api/tickets/{ticket}"
        for query in ("", "?q=concert", "?sort=price", "?seller=me", "?limit=2"):
            await self._send(seller, "GET", f"/api/tickets{query}")
        await self._send(seller, "GET", path)
        await self._open_stream(seller, "/api/tickets/stream")
        await self._send(seller, "PUT", path, json={"title": "Opera", "price": 30})
        await self._send(seller, "DELETE", path)

    async def _open_stream(self, client: httpx.AsyncClient, path: str) -> None:
        async def open_and_close() -> None:
            async with client.stream("GET", self._url(path)) as response:
                await anext(response.aiter_lines())

        await self._step(open_and_close)

    async def _new_ticket(self, seller: httpx.AsyncClient) -> str:
        body = {"title": "Concert", "price": 25}
        return str((await self._send(seller, "POST", "/api/tickets", json=body)).json()["id"])

    async def _order(self, seller: httpx.AsyncClient, buyer: httpx.AsyncClient) -> dict[str, Any]:
        body = {"ticketId": await self._new_ticket(seller)}
        responses = []

        async def order() -> None:
            responses.append(await buyer.post(self._url("/api/orders"), json=body))

        self._measurement.orders.append(await self._step(order))
        assert responses[0].status_code == 201, responses[0].text
        return dict(responses[0].json())

    async def _pay(self, buyer: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
        body = {"orderId": order["id"], "token": "tok_visa"}
        responses = []

        async def pay() -> None:
            responses.append(await buyer.post(self._url("/api/payments"), json=body))

        self._measurement.purchases.append(await self._step(pay))
        assert responses[0].status_code == 201, responses[0].text
        return dict(responses[0].json())

    async def _buy(self, seller: httpx.AsyncClient, buyer: httpx.AsyncClient) -> None:
        order = await self._order(seller, buyer)
        path = f"/api/orders/{order['id']}"
        await self._send(buyer, "GET", "/api/orders")
        await self._send(buyer, "GET", path)
        for stream in ("/api/orders/stream", f"{path}/stream"):
            await self._open_stream(buyer, stream)
        body = {"ticketId": order["ticket"]["id"]}
        assert (await self._send(buyer, "POST", "/api/orders", json=body)).status_code == 400
        declined = {"orderId": order["id"], "token": "tok_chargeDeclined"}
        assert (await self._send(buyer, "POST", "/api/payments", json=declined)).status_code == 402
        payment = await self._pay(buyer, order)
        await self._send(buyer, "GET", f"/api/payments?orderId={order['id']}")
        await self._send(buyer, "GET", f"/api/payments/{payment['id']}")
        (event,) = (await self._system.stripe.get("/v1/events", type=SUCCEEDED, limit=1))["data"]
        await self._step(lambda: self._system.stripe.deliver(event["id"]))

    async def _end_orders(self, seller: httpx.AsyncClient, buyer: httpx.AsyncClient) -> None:
        cancelled = await self._order(seller, buyer)
        await self._send(buyer, "DELETE", f"/api/orders/{cancelled['id']}")

        expired = await self._order(seller, buyer)
        await self._system.databases["orders"]["orders"].update_one(
            {"_id": ObjectId(expired["id"])},
            {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}},
        )
        await self._publish(ExpirationCompleted(order_id=expired["id"]))

        refunded = await self._order(seller, buyer)
        await self._pay(buyer, refunded)
        path = f"/api/tickets/{refunded['ticket']['id']}"
        ticket = (await self._send(seller, "GET", path)).json()
        await self._publish(TicketDeleted(id=ticket["id"], version=ticket["version"] + 1))


SUCCEEDED = "payment_intent.succeeded"
