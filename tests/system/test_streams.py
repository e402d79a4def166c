"""Server-sent events through the ingress."""

from typing import Any

import httpx
import pytest
from tests.system.stack import RunningStack

from ticketing_testing import EventStream, open_stream

pytestmark = pytest.mark.xdist_group("stack")

TICKETS = "/api/tickets/stream"


async def position_of_list(browser: httpx.AsyncClient) -> dict[str, str]:
    """Return the query parameter of a stream that begins with the current list."""
    return {"lastEventId": (await browser.get("/api/tickets")).headers["Last-Event-ID"]}


async def next_event_of(stream: EventStream, ticket: Any, name: str) -> Any:
    """Return the data of the ticket's next event, which must have this name."""
    while True:
        event = await stream.next_event()
        if event.data.get("id") == ticket["id"]:
            assert event.name == name, event
            return event.data


async def test_ticket_stream_shows_a_ticket_reserved_and_released(stack: RunningStack) -> None:
    browser = await stack.open_browser()
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    async with open_stream(browser, TICKETS, **await position_of_list(browser)) as tickets:
        assert tickets.headers["Content-Type"].startswith("text/event-stream")
        ticket = await seller.list_ticket()
        assert await next_event_of(tickets, ticket, "appeared") == ticket
        order = await buyer.order(ticket)
        async with open_stream(buyer, f"/api/orders/{order['id']}/stream") as orders:
            assert (await orders.next_event()).data == order
            went = await next_event_of(tickets, ticket, "went")
            assert (
                went.items()
                >= {
                    "id": ticket["id"],
                    "version": 1,
                    "orderId": order["id"],
                    "reservedUntil": order["expiresAt"],
                    "soldAt": None,
                }.items()
            )
            assert (await orders.next_event()).data["status"] == "cancelled"
        assert await next_event_of(tickets, ticket, "came-back") == ticket | {"version": 2}


async def test_order_stream_shows_the_order_paid(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket())
    async with open_stream(buyer, f"/api/orders/{order['id']}/stream") as stream:
        statuses = [(await stream.next_event()).data["status"]]
        assert (await buyer.pay(order)).status_code == 201
        while statuses[-1] != "complete":
            statuses.append((await stream.next_event()).data["status"])

    assert list(dict.fromkeys(statuses)) == ["created", "awaiting:payment", "complete"]
    refused = await seller.get(f"/api/orders/{order['id']}/stream")
    assert refused.status_code == 401
