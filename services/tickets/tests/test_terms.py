"""A reserved ticket has the terms of its order. A change of its seller waits for its release."""

from typing import Any

import httpx
import pytest
from services.tickets.tests.requests import create_ticket, get_ticket

from ticketing_common.events import (
    DomainEvent,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
)
from ticketing_testing import RunningService, new_event, new_id
from tickets.handlers import listeners
from tickets.models import Ticket

CHANGE = {"title": "Opera", "price": 1000}


class OrderEvents:
    """The events of an order of a ticket as it was before the seller's change."""

    def __init__(self, ticket: Any) -> None:
        terms = {name: ticket[name] for name in ("id", "title", "price")}
        self.id = new_id()
        self.created = new_event(OrderCreated, id=self.id, ticket=terms)
        self.cancelled = new_event(OrderCancelled, id=self.id, version=1, ticket=terms)
        self.completed = new_event(OrderCompleted, id=self.id, version=2, ticket=terms)
        until = self.created.model_dump(mode="json")["expires_at"]
        self.reserved = ticket | {"orderId": self.id, "reservedUntil": until}
        """The ticket while the order holds it."""


@pytest.fixture
async def ticket(seller_client: httpx.AsyncClient) -> Any:
    return await create_ticket(seller_client)


@pytest.fixture
async def order(seller_client: httpx.AsyncClient, ticket: Any) -> OrderEvents:
    """An order that is on its way while the seller changes the ticket."""
    response = await seller_client.put(f"/api/tickets/{ticket['id']}", json=CHANGE)
    assert (response.status_code, response.json()["version"]) == (200, 1)
    return OrderEvents(ticket)


async def handle(tickets: RunningService, *events: DomainEvent) -> None:
    await tickets.bus.publish(*events)
    await tickets.bus.wait_until_handled(listeners)


async def test_reserve_ticket_sets_the_terms_of_the_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    await handle(tickets, order.created)

    assert await get_ticket(seller_client, ticket) == order.reserved | {"version": 2}
    events = await tickets.bus.published(TicketUpdated, 2)
    assert [(event.version, event.title, event.price) for event in events] == [
        (1, "Opera", 1000_00),
        (2, "Concert", 25_00),
    ]
    own = {"seller": "me", "q": "concert"}
    found = await seller_client.get("/api/tickets", params=own)
    assert [each["id"] for each in found.json()] == [ticket["id"]]
    refused = await seller_client.put(f"/api/tickets/{ticket['id']}", json=CHANGE)
    assert refused.status_code == 400


async def test_release_ticket_applies_the_change_of_its_seller(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    await handle(tickets, order.created, order.cancelled)

    assert await get_ticket(seller_client, ticket) == ticket | CHANGE | {"version": 3}
    for query, expected in (("opera", [ticket["id"]]), ("concert", [])):
        found = await seller_client.get("/api/tickets", params={"q": query})
        assert [each["id"] for each in found.json()] == expected
    events = await tickets.bus.published(TicketUpdated, 3)
    assert [event.version for event in events] == [1, 2, 3]
    assert (events[-1].title, events[-1].price, events[-1].order_id) == ("Opera", 1000_00, None)
    stored = await Ticket.get(ticket["id"])
    assert stored is not None
    assert stored.pending_terms is None


@pytest.mark.parametrize("names", [["created", "completed"], ["completed", "created"]])
async def test_sell_ticket_drops_the_change_of_its_seller(
    tickets: RunningService,
    seller_client: httpx.AsyncClient,
    ticket: Any,
    order: OrderEvents,
    names: list[str],
) -> None:
    for name in names:
        await handle(tickets, getattr(order, name))

    sold = await get_ticket(seller_client, ticket)
    assert (sold["title"], sold["price"], sold["orderId"]) == ("Concert", 25, order.id)
    stored = await Ticket.get(ticket["id"])
    assert stored is not None
    assert stored.pending_terms is None


async def test_sell_ticket_keeps_the_terms_if_the_event_has_none(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    old = new_event(OrderCompleted, id=order.id, version=2, ticket={"id": ticket["id"]})

    await handle(tickets, old)

    sold = await get_ticket(seller_client, ticket)
    assert (sold["title"], sold["price"], sold["orderId"]) == ("Opera", 1000, order.id)


async def test_reserve_ticket_does_so_once(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    event_id = await tickets.bus.publish(order.created)
    await tickets.bus.publish(order.created, id=event_id, bypass_deduplication=True)
    await handle(tickets, order.created)  # with a new event id

    assert (await get_ticket(seller_client, ticket))["version"] == 2
    await handle(tickets, order.cancelled)
    assert await get_ticket(seller_client, ticket) == ticket | CHANGE | {"version": 3}


async def test_cancelled_order_leaves_the_change_of_the_seller(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    await handle(tickets, order.cancelled)
    await handle(tickets, order.created)

    assert await get_ticket(seller_client, ticket) == ticket | CHANGE | {"version": 1}


async def test_reserve_ticket_sets_the_terms_of_a_later_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, order: OrderEvents
) -> None:
    later = OrderEvents(ticket | CHANGE)

    await handle(tickets, order.created)
    await handle(tickets, later.created, order.cancelled)

    reserved = await get_ticket(seller_client, ticket)
    assert reserved == later.reserved | {"version": 4}
