from typing import Any

import httpx
import pytest
from services.tickets.tests.offers import look, offer

from ticketing_common.events import OrderCreated, TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, new_event, new_id, new_user
from tickets.handlers import listeners

NEW = {"title": "Opera", "price": 30}


async def reserve(tickets: RunningService, ticket: Any) -> None:
    ordered = {name: ticket[name] for name in ("id", "title", "price")}
    await tickets.bus.publish(new_event(OrderCreated, ticket=ordered))
    await tickets.bus.wait_until_handled(listeners)


class TestSelling:
    async def test_makes_a_ticket_and_tells_of_it(
        self, tickets: RunningService, shop: httpx.AsyncClient, seller: SessionUser
    ) -> None:
        made = await offer(shop, "  Concert ", 19.99)

        assert made == {
            "id": made["id"],
            "title": "Concert",
            "price": 19.99,
            "userId": seller.id,
            "orderId": None,
            "version": 0,
        }
        assert await look(shop, made) == made
        [event] = await tickets.bus.published(TicketCreated)
        assert event == TicketCreated.model_validate(made)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"price": 10}, "title"),
            ({"title": "", "price": 10}, "title"),
            ({"title": "   ", "price": 10}, "title"),
            ({"title": "x" * 201, "price": 10}, "title"),
            ({"title": "a\x00b", "price": 10}, "title"),
            ({"title": 1, "price": 10}, "title"),
            ({"title": "a"}, "price"),
            ({"title": "a", "price": 0}, "price"),
            ({"title": "a", "price": -1}, "price"),
            ({"title": "a", "price": 1.001}, "price"),
            ({"title": "a", "price": 1_000_001}, "price"),
            ({"title": "a", "price": "10"}, "price"),
            ({"title": "a", "price": True}, "price"),
        ],
    )
    async def test_refuses_what_is_no_offer_and_names_the_field(
        self, tickets: RunningService, shop: httpx.AsyncClient, body: object, field: str
    ) -> None:
        response = await shop.post("/api/tickets", json=body)

        assert response.status_code == 400
        [error] = response.json()["errors"]
        assert error["field"] == field
        assert error["message"]

    async def test_takes_the_slash_that_some_put_at_the_end(self, shop: httpx.AsyncClient) -> None:
        made = await shop.post("/api/tickets/", json=NEW)

        assert made.status_code == 201
        assert (await shop.get("/api/tickets/")).json() == [made.json()]

    async def test_names_every_rule_that_was_broken(self, shop: httpx.AsyncClient) -> None:
        response = await shop.post("/api/tickets", json={"title": "", "price": 0})

        assert {error["field"] for error in response.json()["errors"]} == {"title", "price"}

    async def test_needs_a_session_before_anything_else(self, tickets: RunningService) -> None:
        visitor = await tickets.client()

        for content in (b"{", b"{}", b'{"title": "a", "price": 1}'):
            response = await visitor.post("/api/tickets", content=content)
            assert response.status_code == 401
            assert response.json() == {"errors": [{"message": "Not authorized"}]}


class TestChanging:
    async def test_makes_the_next_version_and_tells_of_it(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        made = await offer(shop)

        changed = await shop.put(f"/api/tickets/{made['id']}", json=NEW)

        assert changed.status_code == 200
        assert changed.json() == made | NEW | {"version": 1}
        [event] = await tickets.bus.published(TicketUpdated)
        assert (event.version, event.title, event.order_id) == (1, "Opera", None)

    async def test_is_for_the_seller_alone(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        made = await offer(shop)
        other = await tickets.client(new_user())

        assert (await other.put(f"/api/tickets/{made['id']}", json=NEW)).status_code == 401
        assert (await other.delete(f"/api/tickets/{made['id']}")).status_code == 401
        assert await look(shop, made) == made

    async def test_is_refused_while_somebody_holds_the_ticket(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        made = await offer(shop)
        await reserve(tickets, made)

        changed = await shop.put(f"/api/tickets/{made['id']}", json=NEW)
        withdrawn = await shop.delete(f"/api/tickets/{made['id']}")

        words = "Cannot change a ticket that is reserved or sold"
        for refused in (changed, withdrawn):
            assert refused.status_code == 400
            assert refused.json() == {"errors": [{"message": words}]}

    async def test_asks_in_the_order_of_the_contract(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        reserved = await offer(shop)
        await reserve(tickets, reserved)
        other = await tickets.client(new_user())
        nobody = await tickets.client()

        async def status(who: httpx.AsyncClient, ticket_id: str, body: object) -> int:
            return (await who.put(f"/api/tickets/{ticket_id}", json=body)).status_code

        assert await status(nobody, "malformed", {}) == 401
        assert await status(shop, "malformed", NEW) == 400
        assert await status(other, reserved["id"], {}) == 400
        assert await status(shop, new_id(), NEW) == 404
        assert await status(other, reserved["id"], NEW) == 401
        assert await status(shop, reserved["id"], NEW) == 400


class TestWithdrawing:
    async def test_ends_the_ticket_and_tells_of_it(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        made = await offer(shop)

        withdrawn = await shop.delete(f"/api/tickets/{made['id']}")

        assert (withdrawn.status_code, withdrawn.content) == (204, b"")
        assert (await shop.get(f"/api/tickets/{made['id']}")).status_code == 404
        assert (await shop.delete(f"/api/tickets/{made['id']}")).status_code == 404
        [event] = await tickets.bus.published(TicketDeleted)
        assert (event.id, event.version) == (made["id"], 1)


class TestLooking:
    async def test_at_a_ticket_needs_no_session(
        self, tickets: RunningService, shop: httpx.AsyncClient
    ) -> None:
        made = await offer(shop)
        visitor = await tickets.client()

        assert await look(visitor, made) == made

    async def test_at_no_ticket_says_so(self, shop: httpx.AsyncClient) -> None:
        missing = await shop.get(f"/api/tickets/{new_id()}")
        malformed = await shop.get("/api/tickets/nonsense")

        assert missing.status_code == 404
        assert missing.json() == {"errors": [{"message": "Not found"}]}
        assert malformed.status_code == 400
        assert malformed.json()["errors"][0]["field"] == "ticketId"
