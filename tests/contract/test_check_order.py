"""Signed in, well-formed, exists, yours, allowed in this state: in this order, in every service."""

from typing import Any

import httpx
import pytest
from tests.contract.conftest import Serve

import orders.handlers
import payments.handlers
import tickets.handlers
from ticketing_common.events import OrderCancelled, OrderCreated, PaymentCreated, TicketCreated
from ticketing_testing import RunningService, new_event, new_id, new_user

NOT_AUTHORIZED = {"errors": [{"message": "Not authorized"}]}
NOT_FOUND = {"errors": [{"message": "Not found"}]}


async def answered(
    http: httpx.AsyncClient, method: str, url: str, body: Any = None
) -> tuple[int, Any]:
    response = await http.request(method, url, json=body)
    return response.status_code, response.json()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_to_change_a_ticket(serve: Serve, method: str) -> None:
    async with serve("tickets") as shop:
        seller = await shop.client(new_user())
        other = await shop.client(new_user())
        nobody = await shop.client()
        offer = {"title": "Concert", "price": 25} if method == "PUT" else None
        sold = (await seller.post("/api/tickets", json={"title": "Concert", "price": 25})).json()
        order = new_event(OrderCreated, ticket={"id": sold["id"], "title": "Concert", "price": 25})
        await shop.bus.publish(order)
        await shop.bus.wait_until_handled(tickets.handlers.listeners)
        theirs, missing = f"/api/tickets/{sold['id']}", f"/api/tickets/{new_id()}"

        assert await answered(nobody, method, "/api/tickets/x", []) == (401, NOT_AUTHORIZED)
        assert (await answered(other, method, "/api/tickets/x", offer))[0] == 400
        if method == "PUT":
            assert (await answered(other, method, missing, {}))[0] == 400
            assert (await answered(other, method, theirs, {}))[0] == 400
        assert await answered(other, method, missing, offer) == (404, NOT_FOUND)
        assert await answered(other, method, theirs, offer) == (401, NOT_AUTHORIZED)
        assert await answered(seller, method, theirs, offer) == (
            400,
            {"errors": [{"message": "Cannot change a ticket that is reserved or sold"}]},
        )


async def test_to_order_a_ticket(serve: Serve) -> None:
    async with serve("orders") as office:
        buyer, nobody = await office.client(new_user()), await office.client()
        ticket = new_event(TicketCreated)
        await office.bus.publish(ticket)
        await office.bus.wait_until_handled(orders.handlers.listeners)
        wish = {"ticketId": ticket.id}
        assert (await buyer.post("/api/orders", json=wish)).status_code == 201

        asked = "POST", "/api/orders"
        assert await answered(nobody, *asked, {"ticketId": "x"}) == (401, NOT_AUTHORIZED)
        assert (await answered(buyer, *asked, {"ticketId": "x"}))[0] == 400
        assert await answered(buyer, *asked, {"ticketId": new_id()}) == (404, NOT_FOUND)
        assert await answered(buyer, *asked, wish) == (
            400,
            {"errors": [{"message": "Ticket is already reserved"}]},
        )


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_to_look_at_or_cancel_an_order(serve: Serve, method: str) -> None:
    async with serve("orders") as office:
        buyer, other = await office.client(new_user()), await office.client(new_user())
        nobody = await office.client()
        bought = await a_complete_order(office, buyer)

        theirs, missing = f"/api/orders/{bought}", f"/api/orders/{new_id()}"
        assert await answered(nobody, method, "/api/orders/x") == (401, NOT_AUTHORIZED)
        assert (await answered(other, method, "/api/orders/x"))[0] == 400
        assert await answered(other, method, missing) == (404, NOT_FOUND)
        assert await answered(other, method, theirs) == (401, NOT_AUTHORIZED)
        status, answer = await answered(buyer, method, theirs)
        if method == "GET":
            assert (status, answer["status"]) == (200, "complete")
        else:
            said = {"errors": [{"message": "Cannot cancel an order that is complete"}]}
            assert (status, answer) == (400, said)


async def a_complete_order(office: RunningService, buyer: httpx.AsyncClient) -> str:
    ticket = new_event(TicketCreated)
    await office.bus.publish(ticket)
    await office.bus.wait_until_handled(orders.handlers.listeners)
    response = await buyer.post("/api/orders", json={"ticketId": ticket.id})
    order_id: str = response.json()["id"]
    await office.bus.publish(new_event(PaymentCreated, order_id=order_id))
    await office.bus.wait_until_handled(orders.handlers.listeners)
    return order_id


async def test_to_pay(serve: Serve) -> None:
    async with serve("payments") as desk:
        person = new_user()
        buyer, other = await desk.client(person), await desk.client(new_user())
        nobody = await desk.client()
        placed = new_event(OrderCreated, user_id=person.id)
        cancelled = new_event(
            OrderCancelled, id=placed.id, version=1, status="cancelled", user_id=person.id
        )
        await desk.bus.publish(placed, cancelled)
        await desk.bus.wait_until_handled(payments.handlers.listeners)
        wish = {"orderId": placed.id, "token": "tok_visa"}

        asked = "POST", "/api/payments"
        assert await answered(nobody, *asked, {"orderId": "x"}) == (401, NOT_AUTHORIZED)
        assert (await answered(other, *asked, wish | {"token": ""}))[0] == 400
        assert await answered(other, *asked, wish | {"orderId": new_id()}) == (404, NOT_FOUND)
        assert await answered(other, *asked, wish) == (401, NOT_AUTHORIZED)
        assert await answered(buyer, *asked, wish) == (
            400,
            {"errors": [{"message": "Cannot pay for a cancelled order"}]},
        )


async def test_to_choose_a_new_password(serve: Serve) -> None:
    async with serve("auth") as door:
        nobody = await door.client()
        new = "correct horse battery staple"
        wish = {"token": "t", "newPassword": new, "repeatedNewPassword": new}
        asked = "POST", "/api/users/reset-password"
        assert (await answered(nobody, *asked, wish | {"newPassword": "short"}))[0] == 400
        assert (await answered(nobody, *asked, wish | {"repeatedNewPassword": "x"}))[0] == 400
        assert await answered(nobody, *asked, wish) == (404, NOT_FOUND)
