import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId
from services.orders.tests.requests import create_order

from orders.app import create_app
from orders.handlers import listeners
from orders.models import Order
from orders.settings import OrdersSettings
from ticketing_common.events import PaymentCreated, PaymentMissed, TicketCreated, utc_now
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    new_user,
    serve_app,
)

LIMIT = 3


@pytest.fixture
def settings(environment: TestEnvironment) -> OrdersSettings:
    return OrdersSettings(
        **environment.settings(),
        limits_redis_url=environment.redis_url,
        limit_live_orders_by_account=LIMIT,
        limit_expired_orders_by_account="2 per hour",
    )


@pytest.fixture
async def orders(
    environment: TestEnvironment, settings: OrdersSettings
) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(settings)) as service:
        yield service


@pytest.fixture
async def tickets(orders: RunningService) -> list[TicketCreated]:
    """Tickets of which orders has copies, more than a buyer may order."""
    events = [new_event(TicketCreated) for _ in range(10)]
    await orders.bus.publish(*events)
    await orders.bus.wait_until_handled(listeners)
    return events


async def order_statuses(client: httpx.AsyncClient, tickets: list[TicketCreated]) -> Counter[int]:
    """Order all of the tickets at once."""
    requests = [client.post("/api/orders", json={"ticketId": ticket.id}) for ticket in tickets]
    return Counter(response.status_code for response in await asyncio.gather(*requests))


async def expire(orders: RunningService, *placed: Any) -> None:
    """Let unpaid orders expire."""
    for order in placed:
        await Order.get_pymongo_collection().update_one(
            {"_id": ObjectId(order["id"])},
            {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}},
        )
        await orders.bus.publish(new_event(PaymentMissed, order_id=order["id"]))
    await orders.bus.wait_until_handled(listeners)


async def test_buyer_holds_a_bounded_number_of_unpaid_orders(
    buyer_client: httpx.AsyncClient, tickets: list[TicketCreated]
) -> None:
    *wanted, another = tickets
    statuses = await order_statuses(buyer_client, wanted)

    assert statuses == {201: LIMIT, 429: len(wanted) - LIMIT}
    refused = await buyer_client.post("/api/orders", json={"ticketId": another.id})
    assert [error["code"] for error in refused.json()["errors"]] == ["too_many_live_orders"]
    assert 0 < int(refused.headers["Retry-After"]) <= 60


async def test_other_buyers_are_not_limited(
    orders: RunningService, buyer_client: httpx.AsyncClient, tickets: list[TicketCreated]
) -> None:
    await order_statuses(buyer_client, tickets[:LIMIT])

    await create_order(await orders.client(new_user()), tickets[-1])


@pytest.mark.parametrize("end", ["cancelled", "paid"])
async def test_buyer_may_order_again_after_the_end_of_an_order(
    orders: RunningService,
    buyer_client: httpx.AsyncClient,
    tickets: list[TicketCreated],
    end: str,
) -> None:
    placed = [await create_order(buyer_client, ticket) for ticket in tickets[:LIMIT]]
    if end == "cancelled":
        await buyer_client.delete(f"/api/orders/{placed[0]['id']}")
    else:
        paid = new_event(PaymentCreated, id=new_id(), order_id=placed[0]["id"], version=1)
        await orders.bus.publish(paid)
        await orders.bus.wait_until_handled(listeners)

    async def is_accepted() -> bool:
        response = await buyer_client.post("/api/orders", json={"ticketId": tickets[-1].id})
        return response.status_code == 201

    await eventually(is_accepted)


async def test_replicas_and_restarted_processes_know_all_unpaid_orders(
    orders: RunningService,
    settings: OrdersSettings,
    buyer: SessionUser,
    buyer_client: httpx.AsyncClient,
    tickets: list[TicketCreated],
) -> None:
    await order_statuses(buyer_client, tickets[:LIMIT])

    async with serve_app(create_app(settings), orders.bus) as other:
        client = await other.client(buyer)
        response = await client.post("/api/orders", json={"ticketId": tickets[-1].id})

    assert response.status_code == 429


async def test_buyer_pauses_after_orders_that_expired(
    orders: RunningService,
    settings: OrdersSettings,
    buyer: SessionUser,
    buyer_client: httpx.AsyncClient,
    tickets: list[TicketCreated],
) -> None:
    placed = [await create_order(buyer_client, ticket) for ticket in tickets[:2]]
    await expire(orders, placed[0])
    third = await create_order(buyer_client, tickets[2])

    await expire(orders, placed[1], third)

    async def pauses(client: httpx.AsyncClient) -> bool:
        response = await client.post("/api/orders", json={"ticketId": tickets[3].id})
        return (
            response.status_code == 429
            and response.json()["errors"][0]["code"] == "rate_limited"
            and 3000 < int(response.headers["Retry-After"]) <= 3600
        )

    await eventually(lambda: pauses(buyer_client))
    async with serve_app(create_app(settings)) as other:  # every replica knows it
        client = await other.client(buyer)
        # Until then, a slow machine can count in the process, or be too busy for the order.
        await eventually(lambda: pauses(client))
