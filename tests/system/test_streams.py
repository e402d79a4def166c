"""What one sees without asking again, through the ingress."""

from typing import Any

import httpx
import pytest
from tests.system.stack import Market

from ticketing_testing import EventStream, open_stream

pytestmark = pytest.mark.xdist_group("market")

TICKETS = "/api/tickets/stream"


async def begin(visitor: httpx.AsyncClient) -> dict[str, str]:
    """How to watch from what the list shows now."""
    return {"lastEventId": (await visitor.get("/api/tickets")).headers["Last-Event-ID"]}


async def sees(stream: EventStream, ticket: Any, name: str) -> Any:
    """The next that is told of the ticket, which has to be that."""
    while True:
        told = await stream.next_event()
        if told.data.get("id") == ticket["id"]:
            assert told.name == name, told
            return told.data


async def test_a_visitor_sees_a_ticket_come_go_and_come_back_as_its_order_runs_out(
    market: Market,
) -> None:
    visitor = await market.visitor()
    seller, buyer = await market.somebody(), await market.somebody()
    async with open_stream(visitor, TICKETS, **await begin(visitor)) as shop:
        assert shop.headers["Content-Type"].startswith("text/event-stream")
        ticket = await seller.offer()
        assert await sees(shop, ticket, "appeared") == ticket
        order = await buyer.order(ticket)
        async with open_stream(buyer, f"/api/orders/{order['id']}/stream") as mine:
            assert (await mine.next_event()).data == order
            held = {"id": ticket["id"], "version": 1, "orderId": order["id"]}
            assert await sees(shop, ticket, "went") == held
            assert (await mine.next_event()).data["status"] == "cancelled"
        assert await sees(shop, ticket, "came-back") == ticket | {"version": 2}


async def test_a_buyer_sees_the_order_become_theirs(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer())
    async with open_stream(buyer, f"/api/orders/{order['id']}/stream") as stream:
        statuses = [(await stream.next_event()).data["status"]]
        assert (await buyer.pay(order)).status_code == 201
        while statuses[-1] != "complete":
            statuses.append((await stream.next_event()).data["status"])

    assert list(dict.fromkeys(statuses)) == ["created", "awaiting:payment", "complete"]
    refused = await seller.get(f"/api/orders/{order['id']}/stream")
    assert refused.status_code == 401
