"""The order of checks in every service: session, validity, existence, owner, state."""

from typing import Any

import httpx
import pytest
from tests.contract.conftest import Serve

import orders.handlers
import payments.handlers
import tickets.handlers
from ticketing_common.events import OrderCancelled, OrderCreated, PaymentCreated, TicketCreated
from ticketing_testing import RunningService, new_event, new_id, new_user


def error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


NOT_SIGNED_IN = error("not_signed_in", "Not authorized")
NOT_OWNER = error("not_owner", "Not authorized")
NOT_FOUND = error("not_found", "Not found")


async def response_to(
    http: httpx.AsyncClient, method: str, url: str, body: Any = None
) -> tuple[int, Any]:
    response = await http.request(method, url, json=body)
    return response.status_code, response.json()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_changing_a_ticket_checks_in_order(serve: Serve, method: str) -> None:
    async with serve("tickets") as service:
        seller = await service.client(new_user())
        other = await service.client(new_user())
        guest = await service.client()
        payload = {"title": "Concert", "price": 25} if method == "PUT" else None
        sold = (await seller.post("/api/tickets", json={"title": "Concert", "price": 25})).json()
        order = new_event(OrderCreated, ticket={"id": sold["id"], "title": "Concert", "price": 25})
        await service.bus.publish(order)
        await service.bus.wait_until_handled(tickets.handlers.listeners)
        theirs, missing = f"/api/tickets/{sold['id']}", f"/api/tickets/{new_id()}"

        assert await response_to(guest, method, "/api/tickets/x", []) == (401, NOT_SIGNED_IN)
        assert (await response_to(other, method, "/api/tickets/x", payload))[0] == 400
        if method == "PUT":
            assert (await response_to(other, method, missing, {}))[0] == 400
            assert (await response_to(other, method, theirs, {}))[0] == 400
        assert await response_to(other, method, missing, payload) == (404, NOT_FOUND)
        assert await response_to(other, method, theirs, payload) == (401, NOT_OWNER)
        assert await response_to(seller, method, theirs, payload) == (
            400,
            error("ticket_not_changeable", "Cannot change a ticket that is reserved or sold"),
        )


async def test_ordering_a_ticket_checks_in_order(serve: Serve) -> None:
    async with serve("orders") as service:
        buyer, guest = await service.client(new_user()), await service.client()
        ticket = new_event(TicketCreated)
        await service.bus.publish(ticket)
        await service.bus.wait_until_handled(orders.handlers.listeners)
        payload = {"ticketId": ticket.id}
        assert (await buyer.post("/api/orders", json=payload)).status_code == 201

        route = "POST", "/api/orders"
        assert await response_to(guest, *route, {"ticketId": "x"}) == (401, NOT_SIGNED_IN)
        assert (await response_to(buyer, *route, {"ticketId": "x"}))[0] == 400
        assert await response_to(buyer, *route, {"ticketId": new_id()}) == (404, NOT_FOUND)
        assert await response_to(buyer, *route, payload) == (
            400,
            error("ticket_reserved", "Ticket is already reserved"),
        )


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_reading_or_cancelling_an_order_checks_in_order(serve: Serve, method: str) -> None:
    async with serve("orders") as service:
        buyer, other = await service.client(new_user()), await service.client(new_user())
        guest = await service.client()
        bought = await complete_order(service, buyer)

        theirs, missing = f"/api/orders/{bought}", f"/api/orders/{new_id()}"
        assert await response_to(guest, method, "/api/orders/x") == (401, NOT_SIGNED_IN)
        assert (await response_to(other, method, "/api/orders/x"))[0] == 400
        assert await response_to(other, method, missing) == (404, NOT_FOUND)
        assert await response_to(other, method, theirs) == (401, NOT_OWNER)
        status, body = await response_to(buyer, method, theirs)
        if method == "GET":
            assert (status, body["status"]) == (200, "complete")
        else:
            complete = error("order_complete", "This order is paid, so it cannot be cancelled")
            assert (status, body) == (400, complete)


async def complete_order(service: RunningService, buyer: httpx.AsyncClient) -> str:
    ticket = new_event(TicketCreated)
    await service.bus.publish(ticket)
    await service.bus.wait_until_handled(orders.handlers.listeners)
    response = await buyer.post("/api/orders", json={"ticketId": ticket.id})
    order_id: str = response.json()["id"]
    await service.bus.publish(new_event(PaymentCreated, order_id=order_id))
    await service.bus.wait_until_handled(orders.handlers.listeners)
    return order_id


async def test_paying_checks_in_order(serve: Serve) -> None:
    async with serve("payments") as service:
        person = new_user()
        buyer, other = await service.client(person), await service.client(new_user())
        guest = await service.client()
        placed = new_event(OrderCreated, user_id=person.id)
        cancelled = new_event(
            OrderCancelled, id=placed.id, version=1, status="cancelled", user_id=person.id
        )
        await service.bus.publish(placed, cancelled)
        await service.bus.wait_until_handled(payments.handlers.listeners)
        payload = {"orderId": placed.id, "token": "tok_visa"}

        route = "POST", "/api/payments"
        assert await response_to(guest, *route, {"orderId": "x"}) == (401, NOT_SIGNED_IN)
        assert (await response_to(other, *route, payload | {"token": ""}))[0] == 400
        assert await response_to(other, *route, payload | {"orderId": new_id()}) == (404, NOT_FOUND)
        assert await response_to(other, *route, payload) == (401, NOT_OWNER)
        assert await response_to(buyer, *route, payload) == (
            400,
            error("order_cancelled", "Cannot pay for a cancelled order"),
        )


async def test_resetting_a_password_checks_in_order(serve: Serve) -> None:
    async with serve("auth") as service:
        guest = await service.client()
        new = "correct horse battery staple"
        payload = {"token": "t", "newPassword": new, "repeatedNewPassword": new}
        route = "POST", "/api/users/reset-password"
        assert (await response_to(guest, *route, payload | {"newPassword": "short"}))[0] == 400
        assert (await response_to(guest, *route, payload | {"repeatedNewPassword": "x"}))[0] == 400
        assert await response_to(guest, *route, payload) == (404, NOT_FOUND)
