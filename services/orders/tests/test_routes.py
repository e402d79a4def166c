import asyncio
import json
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest
from bson import ObjectId
from services.orders.tests.requests import create_order, get_order

from orders.app import create_app
from orders.handlers import listeners
from orders.models import Order, Reservation
from orders.settings import OrdersSettings
from ticketing_common.events import (
    OrderCancelled,
    OrderCreated,
    PaymentCreated,
    TicketCreated,
    TicketDeleted,
    utc_now,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    new_event,
    new_id,
    new_user,
    retry_while_busy,
    serve_app,
)


async def test_create_order_returns_and_publishes_it(
    orders: RunningService,
    buyer_client: httpx.AsyncClient,
    buyer: SessionUser,
    ticket: TicketCreated,
) -> None:
    before = utc_now()
    order = await create_order(buyer_client, ticket)
    after = utc_now()

    assert order == {
        "id": order["id"],
        "status": "created",
        "userId": buyer.id,
        "expiresAt": order["expiresAt"],
        "version": 0,
        "ticket": {"id": ticket.id, "title": "Concert", "price": 19.99, "version": 0},
        "reason": None,
    }
    assert order["expiresAt"].endswith("Z")
    window = timedelta(seconds=60)
    assert before + window <= datetime.fromisoformat(order["expiresAt"]) <= after + window
    assert await get_order(buyer_client, order) == order
    [event] = await orders.bus.published(OrderCreated)
    assert event == OrderCreated.model_validate_json(json.dumps(order))


async def test_create_order_refuses_reserved_ticket(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await create_order(buyer_client, ticket)
    other_client = await orders.client(new_user())

    for client in (buyer_client, other_client):
        response = await client.post("/api/orders", json={"ticketId": ticket.id})
        assert response.status_code == 400
        assert response.json() == {
            "errors": [{"code": "ticket_reserved", "message": "Ticket is already reserved"}]
        }


async def test_create_order_accepts_released_ticket_that_was_refused(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    response = await buyer_client.post("/api/orders", json={"ticketId": ticket.id})
    assert response.status_code == 400

    await buyer_client.delete(f"/api/orders/{order['id']}")

    await create_order(buyer_client, ticket)


async def test_create_order_does_not_find_refused_ticket_after_its_deletion(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    await buyer_client.delete(f"/api/orders/{order['id']}")
    await orders.bus.publish(new_event(TicketDeleted, id=ticket.id, version=1))
    await orders.bus.wait_until_handled(listeners)

    response = await buyer_client.post("/api/orders", json={"ticketId": ticket.id})

    assert response.status_code == 404


async def test_create_order_does_not_find_unknown_or_deleted_ticket(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await orders.bus.publish(new_event(TicketDeleted, id=ticket.id, version=1))
    await orders.bus.wait_until_handled(listeners)

    for ticket_id in (new_id(), ticket.id):
        response = await buyer_client.post("/api/orders", json={"ticketId": ticket_id})
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"ticketId": "x"}, "invalid_id"),
        ({"ticketId": {"$gt": ""}}, "invalid_id"),
        ([], "model_attributes_type"),
    ],
)
async def test_create_order_refuses_invalid_body(
    buyer_client: httpx.AsyncClient, body: object, code: str
) -> None:
    response = await buyer_client.post("/api/orders", json=body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == code


async def test_create_order_accepts_one_of_thirty_concurrent_requests_at_two_replicas(
    environment: TestEnvironment, orders: RunningService, ticket: TicketCreated
) -> None:
    settings = OrdersSettings(**environment.settings())
    async with serve_app(create_app(settings), orders.bus) as second_replica:
        replicas = (orders, second_replica)
        clients = [await replicas[number % 2].client(new_user()) for number in range(30)]
        responses = await asyncio.gather(
            *(
                retry_while_busy(partial(client.post, "/api/orders", json={"ticketId": ticket.id}))
                for client in clients
            )
        )

        assert sorted(response.status_code for response in responses) == [201] + [400] * 29
        assert await Order.count() == await Reservation.count() == 1
        assert len(await orders.bus.published(OrderCreated)) == 1


async def test_cancel_order_releases_ticket_and_publishes_event_once(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)

    for _ in range(3):
        response = await buyer_client.delete(f"/api/orders/{order['id']}")
        assert (response.status_code, response.content) == (204, b"")

    changes = {"status": "cancelled", "version": 1, "reason": "cancelled-by-buyer"}
    assert await get_order(buyer_client, order) == order | changes
    [event] = await orders.bus.published(OrderCancelled)
    assert event.reason == "cancelled-by-buyer"
    assert (event.version, event.ticket.id) == (1, ticket.id)
    await create_order(await orders.client(new_user()), ticket)


async def test_cancel_order_refuses_complete_order(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    await orders.bus.publish(new_event(PaymentCreated, order_id=order["id"]))
    await orders.bus.wait_until_handled(listeners)

    response = await buyer_client.delete(f"/api/orders/{order['id']}")

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "order_complete"
    assert (await get_order(buyer_client, order))["status"] == "complete"


async def test_cancel_order_and_concurrent_payment_have_one_winner(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)

    response, _ = await asyncio.gather(
        buyer_client.delete(f"/api/orders/{order['id']}"),
        orders.bus.publish(new_event(PaymentCreated, order_id=order["id"])),
    )
    await orders.bus.wait_until_handled(listeners)

    expected = {204: "cancelled", 400: "complete"}[response.status_code]
    assert (await get_order(buyer_client, order))["status"] == expected


async def test_get_and_cancel_order_refuse_other_users(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    path = f"/api/orders/{order['id']}"
    clients = {
        "not_owner": await orders.client(new_user()),
        "not_signed_in": await orders.client(),
    }

    for code, client in clients.items():
        for response in (await client.get(path), await client.delete(path)):
            assert response.status_code == 401
            assert response.json()["errors"][0]["code"] == code

    assert await get_order(buyer_client, order) == order


async def test_routes_check_in_order_of_contract(
    orders: RunningService, buyer_client: httpx.AsyncClient
) -> None:
    anonymous = await (await orders.client()).get("/api/orders/malformed")
    malformed = await buyer_client.get("/api/orders/malformed")

    assert anonymous.status_code == 401
    assert malformed.status_code == 400
    [error] = malformed.json()["errors"]
    assert (error["field"], error["code"]) == ("orderId", "invalid_id")
    assert (await buyer_client.get(f"/api/orders/{new_id()}")).status_code == 404
    assert (await buyer_client.delete(f"/api/orders/{new_id()}")).status_code == 404


async def test_list_orders_has_own_orders_in_pages_newest_first(
    orders: RunningService, buyer_client: httpx.AsyncClient
) -> None:
    tickets = [new_event(TicketCreated) for _ in range(5)]
    await orders.bus.publish(*tickets)
    await orders.bus.wait_until_handled(listeners)
    created = [await create_order(buyer_client, ticket) for ticket in tickets[:4]]
    await create_order(await orders.client(new_user()), tickets[4])

    first = await buyer_client.get("/api/orders", params={"limit": 3})
    second = await buyer_client.get(first.headers["link"].split(">")[0].strip("<"))

    assert first.json() + second.json() == created[::-1]
    assert "link" not in second.headers


async def test_list_orders_omits_an_invalid_row(
    buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    collection = Order.get_pymongo_collection()
    row = await collection.find_one({"_id": ObjectId(order["id"])})
    assert row is not None
    for changes in (
        {"status": "lost"},
        {"expires_at": "soon"},
        {"ticket": None},
        {"ticket": row["ticket"] | {"price": 1234567890123456}},
        {"version": "x"},
    ):
        await collection.insert_one(row | changes | {"_id": ObjectId()})

    response = await buyer_client.get("/api/orders")

    assert response.json() == [order]


async def test_list_orders_refuses_missing_session_and_invalid_cursor(
    orders: RunningService, buyer_client: httpx.AsyncClient
) -> None:
    anonymous = await (await orders.client()).get("/api/orders")
    invalid_cursor = await buyer_client.get("/api/orders?cursor=x")

    assert anonymous.status_code == 401
    assert invalid_cursor.status_code == 400
    assert invalid_cursor.json()["errors"][0]["code"] == "invalid_cursor"
