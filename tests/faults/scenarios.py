"""Scenarios: each brings about the case that one guard is for."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import nats
from nats.js import JetStreamContext
from tests.faults.buyers import Buyer, Buyers, Ledger
from tests.faults.faults import CONFIRM_REQUEST, paused_consumer
from tests.faults.faulty_stack import FaultyStack

from ticketing_common.events import EVENTS, DomainEvent, TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.messaging.replay import REPLAY_STREAM, publish_replay
from ticketing_common.messaging.stream_reader import read_stored
from ticketing_common.messaging.streams import stream_of
from ticketing_testing import eventually, new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CARD = "pm_card_visa"


@dataclass
class Shop:
    """A stack and its signed-in users."""

    stack: FaultyStack
    ledger: Ledger
    buyers: Buyers

    async def sign_up(self) -> "Shopper":
        """Return a new user, who is signed in."""
        http = httpx.AsyncClient(base_url=self.stack.url, timeout=TIMEOUT_SECONDS)
        buyer = Buyer(http, f"user-{uuid4().hex[:8]}", random.Random(0), self.ledger)
        self.buyers.append((http, buyer))
        await buyer.sign_up(asyncio.Event())
        return Shopper(http, buyer.email, self.ledger)


@dataclass
class Shopper:
    """A signed-in user."""

    http: httpx.AsyncClient
    email: str
    ledger: Ledger

    async def list_ticket(self, key: str | None = None) -> str:
        """List a ticket, as soon as the service is up, and return its id."""
        return await eventually(partial(self._list_ticket, key or uuid4().hex))

    async def _list_ticket(self, key: str) -> str:
        headers = {"Idempotency-Key": key}
        ticket = {"title": "Concert", "price": 20}
        response = await self.http.post("/api/tickets", json=ticket, headers=headers)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def change_ticket(self, ticket: str, title: str) -> None:
        changes = {"title": title, "price": 20}
        (await self.http.put(f"/api/tickets/{ticket}", json=changes)).raise_for_status()

    async def order(self, ticket: str) -> str:
        """Order a ticket as soon as orders knows it, and return the id of the order."""
        return str(await eventually(partial(self.try_order, ticket)))

    async def try_order(self, ticket: str) -> str | None:
        """Order a ticket. Returns the id of the order, None without success."""
        response = await self.http.post("/api/orders", json={"ticketId": ticket})
        if response.status_code != 201:
            return None
        order = str(response.json()["id"])
        self.ledger.orders[order] = self.email
        return order

    async def pay(self, order: str) -> httpx.Response:
        """Pay for an order as soon as payments knows it."""
        return await eventually(partial(self._pay, order))

    async def _pay(self, order: str) -> httpx.Response:
        body = {"orderId": order, "token": CARD}
        response = await self.http.post("/api/payments", json=body)
        assert response.status_code != 404, response.text
        if response.status_code == 201:
            self.ledger.paid[order] = self.email
        return response


async def order_one_ticket_twice(shop: Shop) -> None:
    """Let several buyers order one ticket at once, and pay for the orders that they get."""
    seller = await shop.sign_up()
    ticket = await seller.list_ticket()
    first, *others = [await shop.sign_up() for _ in range(4)]
    orders = [(first, await first.order(ticket))]
    for buyer, order in zip(
        others, await asyncio.gather(*(each.try_order(ticket) for each in others)), strict=True
    ):
        if order is not None:
            orders.append((buyer, order))
    await asyncio.gather(*(buyer.pay(order) for buyer, order in orders))


async def deliver_an_old_version(shop: Shop) -> None:
    """Publish the first change of a ticket again, after the second one."""
    seller = await shop.sign_up()
    ticket = await seller.list_ticket()
    for title in ("First change", "Second change"):
        await seller.change_ticket(ticket, title)
    await eventually(partial(_has_events, shop.stack, TicketUpdated, ticket, count=2))
    await _republish(shop.stack, ticket, TicketUpdated, first=1)


async def deliver_everything_twice(shop: Shop) -> None:
    """Publish every event of a purchase again, as a new message."""
    seller, buyer = await shop.sign_up(), await shop.sign_up()
    order = await buyer.order(await seller.list_ticket())
    response = await buyer.pay(order)
    assert response.status_code == 201, response.text
    await eventually(partial(_is_complete, buyer, order))
    for event in EVENTS:
        await _republish(shop.stack, None, event)


async def deliver_events_in_reverse(shop: Shop) -> None:
    """Send orders the life of a deleted ticket from its end to its beginning."""
    ticket = new_id()
    connection = await nats.connect(shop.stack.nats_url)
    try:
        js = connection.jetstream()
        for event in (
            new_event(TicketDeleted, id=ticket, version=2),
            new_event(TicketUpdated, id=ticket, version=1),
            new_event(TicketCreated, id=ticket),
        ):
            body, event_id = event.model_dump_json(by_alias=True).encode(), new_id()
            headers = {"ce-id": event_id}
            await publish_replay(js, "orders", event.subject, body, headers, id=event_id)
            await eventually(partial(_is_acknowledged, js))
    finally:
        await connection.close()


async def _is_acknowledged(js: JetStreamContext) -> bool:
    """Return whether every replayed event is handled or parked."""
    info = await js.stream_info(REPLAY_STREAM)
    return info.state.messages == 0


async def kill_a_service_before_it_publishes(shop: Shop) -> None:
    """List a ticket while the broker is frozen, then kill the processes that could publish it."""
    seller = await shop.sign_up()
    shop.stack.signal("nats", signal.SIGSTOP)
    try:
        await seller.list_ticket()
        for process in ("tickets", "tickets-2"):
            shop.stack.signal(process, signal.SIGKILL)
    finally:
        shop.stack.signal("nats", signal.SIGCONT)


async def repeat_a_request(shop: Shop) -> None:
    """Send a request twice with one idempotency key."""
    seller = await shop.sign_up()
    key = uuid4().hex
    tickets = {await seller.list_ticket(key) for _ in range(2)}
    if len(tickets) > 1:
        shop.ledger.violations.append(f"One request created the tickets {sorted(tickets)}")


async def cancel_an_order_while_it_is_charged(shop: Shop) -> None:
    """Cancel an order between its charge and Stripe's response."""
    seller, buyer = await shop.sign_up(), await shop.sign_up()
    order = await buyer.order(await seller.list_ticket())
    await shop.stack.stripe.add_fault("delay", when="after", seconds=3, **CONFIRM_REQUEST)
    paying = asyncio.create_task(buyer.pay(order))
    await eventually(shop.stack.stripe.all_faults_used)
    (await buyer.http.delete(f"/api/orders/{order}")).raise_for_status()
    await paying
    shop.ledger.paid[order] = buyer.email  # it was charged, also if the response is an error


async def expire_an_order_that_is_paid(shop: Shop) -> None:
    """Deliver no payment event to orders until the time to pay is over."""
    seller, buyer = await shop.sign_up(), await shop.sign_up()
    ticket = await seller.list_ticket()
    async with paused_consumer(shop.stack, "PAYMENT", "orders"):
        order = await buyer.order(ticket)
        response = await buyer.pay(order)
        assert response.status_code == 201, response.text
        await eventually(partial(_is_overdue, buyer, order))


async def _is_overdue(buyer: Shopper, order: str) -> bool:
    """Return whether orders has handled the order's expiration: it has another version then."""
    return bool((await _load(buyer, order))["version"] > 0)


async def _is_complete(buyer: Shopper, order: str) -> bool:
    return bool((await _load(buyer, order))["status"] == "complete")


async def _load(buyer: Shopper, order: str) -> Any:
    return (await buyer.http.get(f"/api/orders/{order}")).raise_for_status().json()


async def _has_events(
    stack: FaultyStack, event: type[DomainEvent], aggregate: str, count: int
) -> bool:
    messages = await _messages(stack, event)
    return sum(aggregate in message.data.decode() for message in messages) == count


async def _republish(
    stack: FaultyStack, aggregate: str | None, event: type[DomainEvent], first: int | None = None
) -> None:
    """Publish the stored events of a type again, those of one aggregate or all of them."""
    messages = await _messages(stack, event)
    repeated = [each for each in messages if aggregate is None or aggregate in each.data.decode()]
    connection = await nats.connect(stack.nats_url)
    try:
        for message in repeated[:first]:
            headers = {k: v for k, v in (message.headers or {}).items() if k != "Nats-Msg-Id"}
            js = connection.jetstream()
            await js.publish(message.subject, message.data, headers=headers)
    finally:
        await connection.close()


async def _messages(stack: FaultyStack, event: type[DomainEvent]) -> list[Any]:
    connection = await nats.connect(stack.nats_url)
    try:
        reader = read_stored(connection.jetstream(), stream_of(event))
        return [message async for message in reader if message.subject == event.subject]
    finally:
        await connection.close()


SCENARIOS: dict[str, Callable[[Shop], Awaitable[None]]] = {
    "reservation": order_one_ticket_twice,
    "version check": deliver_an_old_version,
    "inbox": deliver_everything_twice,
    "parked events": deliver_events_in_reverse,
    "relay sweep": kill_a_service_before_it_publishes,
    "idempotency key": repeat_a_request,
    "refund of a late payment": cancel_an_order_while_it_is_charged,
    "payment check": expire_an_order_that_is_paid,
}
"""By guard, the scenario that it protects from."""
