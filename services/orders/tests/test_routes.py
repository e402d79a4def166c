import asyncio
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest
from services.orders.tests.counters import look, place

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


class TestOrdering:
    async def test_holds_the_ticket_and_tells_of_it(
        self,
        orders: RunningService,
        desk: httpx.AsyncClient,
        buyer: SessionUser,
        ticket: TicketCreated,
    ) -> None:
        before = utc_now()
        made = await place(desk, ticket)
        after = utc_now()

        assert made == {
            "id": made["id"],
            "status": "created",
            "userId": buyer.id,
            "expiresAt": made["expiresAt"],
            "version": 0,
            "ticket": {"id": ticket.id, "title": "Concert", "price": 19.99},
            "reason": None,
        }
        assert made["expiresAt"].endswith("Z")
        window = timedelta(seconds=60)
        assert before + window <= datetime.fromisoformat(made["expiresAt"]) <= after + window
        assert await look(desk, made) == made
        [event] = await orders.bus.published(OrderCreated)
        assert event == OrderCreated.model_validate(made)

    async def test_takes_as_long_as_the_setting_says(self, environment: TestEnvironment) -> None:
        settings = OrdersSettings(**environment.settings(), expiration_window_seconds=5)

        assert settings.window == timedelta(seconds=5)
        with pytest.raises(ValueError, match="greater than or equal to 1"):
            OrdersSettings(**environment.settings(), expiration_window_seconds=0)

    async def test_a_held_ticket_is_refused(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        await place(desk, ticket)
        other = await orders.client(new_user())

        for who in (desk, other):
            refused = await who.post("/api/orders", json={"ticketId": ticket.id})
            assert refused.status_code == 400
            assert refused.json() == {"errors": [{"message": "Ticket is already reserved"}]}

    async def test_what_is_no_ticket_is_not_found(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        await orders.bus.publish(new_event(TicketDeleted, id=ticket.id, version=1))
        await orders.bus.wait_until_handled(listeners)

        for ticket_id in (new_id(), ticket.id):
            missing = await desk.post("/api/orders", json={"ticketId": ticket_id})
            assert missing.status_code == 404

    @pytest.mark.parametrize("body", [{}, {"ticketId": "x"}, {"ticketId": {"$gt": ""}}, []])
    async def test_what_names_no_ticket_is_refused(
        self, desk: httpx.AsyncClient, body: object
    ) -> None:
        assert (await desk.post("/api/orders", json=body)).status_code == 400

    async def test_of_thirty_at_once_at_two_replicas_one_gets_the_ticket(
        self, environment: TestEnvironment, orders: RunningService, ticket: TicketCreated
    ) -> None:
        second_app = create_app(OrdersSettings(**environment.settings()))
        async with serve_app(second_app, orders.bus) as second:
            desks = [await (orders, second)[i % 2].client(new_user()) for i in range(30)]
            answers = await asyncio.gather(
                *(
                    retry_while_busy(
                        partial(desk.post, "/api/orders", json={"ticketId": ticket.id})
                    )
                    for desk in desks
                )
            )

            assert sorted(answer.status_code for answer in answers) == [201] + [400] * 29
            assert await Order.count() == await Reservation.count() == 1
            assert len(await orders.bus.published(OrderCreated)) == 1


class TestCancelling:
    async def test_frees_the_ticket_and_tells_of_it_once(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        made = await place(desk, ticket)

        for _ in range(3):
            cancelled = await desk.delete(f"/api/orders/{made['id']}")
            assert (cancelled.status_code, cancelled.content) == (204, b"")

        ended = {"status": "cancelled", "version": 1, "reason": "cancelled-by-buyer"}
        assert await look(desk, made) == made | ended
        [event] = await orders.bus.published(OrderCancelled)
        assert (event.reason, event.version, event.ticket.id) == (
            "cancelled-by-buyer",
            1,
            ticket.id,
        )
        await place(await orders.client(new_user()), ticket)

    async def test_a_complete_order_is_refused(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        made = await place(desk, ticket)
        await orders.bus.publish(new_event(PaymentCreated, order_id=made["id"]))
        await orders.bus.wait_until_handled(listeners)

        assert (await desk.delete(f"/api/orders/{made['id']}")).status_code == 400
        assert (await look(desk, made))["status"] == "complete"

    async def test_racing_with_its_payment_ends_one_way(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        made = await place(desk, ticket)

        answers = await asyncio.gather(
            desk.delete(f"/api/orders/{made['id']}"),
            orders.bus.publish(new_event(PaymentCreated, order_id=made["id"])),
        )
        await orders.bus.wait_until_handled(listeners)

        ends = {204: "cancelled", 400: "complete"}
        assert (await look(desk, made))["status"] == ends[answers[0].status_code]


class TestLooking:
    async def test_is_for_the_buyer_alone(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        made = await place(desk, ticket)
        address = f"/api/orders/{made['id']}"
        other, nobody = await orders.client(new_user()), await orders.client()

        for who in (other, nobody):
            assert (await who.get(address)).status_code == 401
            assert (await who.delete(address)).status_code == 401
        assert await look(desk, made) == made

    async def test_asks_in_the_order_of_the_contract(
        self, orders: RunningService, desk: httpx.AsyncClient
    ) -> None:
        nobody = await orders.client()

        assert (await nobody.get("/api/orders/malformed")).status_code == 401
        malformed = await desk.get("/api/orders/malformed")
        assert malformed.status_code == 400
        assert malformed.json()["errors"][0]["field"] == "orderId"
        assert (await desk.get(f"/api/orders/{new_id()}")).status_code == 404
        assert (await desk.delete(f"/api/orders/{new_id()}")).status_code == 404

    async def test_a_list_shows_ones_own_newest_first_a_page_at_a_time(
        self, orders: RunningService, desk: httpx.AsyncClient
    ) -> None:
        tickets = [new_event(TicketCreated) for _ in range(5)]
        await orders.bus.publish(*tickets)
        await orders.bus.wait_until_handled(listeners)
        made = [await place(desk, ticket) for ticket in tickets[:4]]
        await place(await orders.client(new_user()), tickets[4])

        first = await desk.get("/api/orders", params={"limit": 3})
        rest = await desk.get(first.headers["link"].split(">")[0].strip("<"))

        assert first.json() + rest.json() == made[::-1]
        assert "link" not in rest.headers
        assert (await (await orders.client()).get("/api/orders")).status_code == 401
        assert (await desk.get("/api/orders?cursor=x")).status_code == 400
