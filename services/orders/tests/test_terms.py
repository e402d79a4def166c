import asyncio
from typing import Any

import httpx
import pytest

from orders import ticket_waits
from orders.handlers import listeners
from orders.models import REMEMBERED_VERSIONS, Order, Reservation
from ticketing_common.events import OrderCreated, TicketCreated, TicketUpdated
from ticketing_testing import RunningService, new_event, new_id


async def update(orders: RunningService, ticket: TicketCreated, *prices: float) -> None:
    """Handle one change of the ticket for each price, from version 1 on."""
    for version, price in enumerate(prices, start=1):
        await orders.bus.publish(change(ticket, version, price))
    await orders.bus.wait_until_handled(listeners)


def change(ticket: TicketCreated, version: int, price: float) -> TicketUpdated:
    return new_event(TicketUpdated, id=ticket.id, version=version, price=price)


async def order_as_seen(
    client: httpx.AsyncClient, ticket: TicketCreated, version: int
) -> httpx.Response:
    body = {"ticketId": ticket.id, "ticketVersions": {ticket.id: version}}
    return await client.post("/api/orders", json=body)


async def test_create_order_has_the_terms_that_the_buyer_saw(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await update(orders, ticket, 30)

    response = await order_as_seen(buyer_client, ticket, 1)

    ordered = {"id": ticket.id, "title": "Concert", "price": 30, "version": 1}
    assert (response.status_code, response.json()["ticket"]) == (201, ordered)
    [event] = await orders.bus.published(OrderCreated)
    assert event.ticket.version == 1


async def test_create_order_refuses_changed_terms_and_returns_them(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await update(orders, ticket, 1000)

    response = await order_as_seen(buyer_client, ticket, 0)

    assert response.status_code == 409
    [error] = response.json()["errors"]
    changed = {"id": ticket.id, "title": "Concert", "price": 1000, "version": 1}
    expected = ("terms_changed", "ticketVersions", changed)
    assert (error["code"], error["field"], error["ticket"]) == expected
    assert await Order.count() == await Reservation.count() == 0
    assert (await order_as_seen(buyer_client, ticket, 1)).status_code == 201


@pytest.mark.parametrize("prices", [[19.99], [50, 19.99], [19.99] * (REMEMBERED_VERSIONS - 1)])
async def test_create_order_accepts_other_versions_with_the_same_terms(
    orders: RunningService,
    buyer_client: httpx.AsyncClient,
    ticket: TicketCreated,
    prices: list[float],
) -> None:
    await update(orders, ticket, *prices)

    assert (await order_as_seen(buyer_client, ticket, 0)).status_code == 201


async def test_create_order_refuses_version_that_is_forgotten(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await update(orders, ticket, *[19.99] * REMEMBERED_VERSIONS)

    assert (await order_as_seen(buyer_client, ticket, 0)).status_code == 409
    assert (await order_as_seen(buyer_client, ticket, 1)).status_code == 201


async def test_create_order_waits_for_the_version_that_the_buyer_saw(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    ordering = asyncio.create_task(order_as_seen(buyer_client, ticket, 1))
    await orders.bus.publish(change(ticket, 1, 1000))

    response = await ordering

    assert (response.status_code, response.json()["ticket"]["price"]) == (201, 1000)


async def test_create_order_is_unavailable_while_the_version_is_unknown(
    buyer_client: httpx.AsyncClient, ticket: TicketCreated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_waits, "WAIT_SECONDS", 0.1)

    response = await order_as_seen(buyer_client, ticket, 1)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.json()["errors"][0]["code"] == "ticket_outdated"
    assert await Order.count() == await Reservation.count() == 0


async def test_create_order_waits_for_a_limited_number_of_versions(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    orders.app.state.ticket_waits = ticket_waits.TicketWaits(max_waits=0)

    assert (await order_as_seen(buyer_client, ticket, 1)).status_code == 503


async def test_create_order_of_reserved_ticket_does_not_return_new_terms(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    await order_as_seen(buyer_client, ticket, 0)
    await update(orders, ticket, 1000)

    for version in (0, 1, 2):
        assert (await order_as_seen(buyer_client, ticket, version)).status_code == 400


@pytest.mark.parametrize(
    "versions", [{new_id(): 0}, {"x": 0}, {"$ticket": -1}, {"$ticket": "one"}, {"$ticket": 2**60}]
)
async def test_create_order_refuses_invalid_versions(
    buyer_client: httpx.AsyncClient, ticket: TicketCreated, versions: dict[str, Any]
) -> None:
    named = {ticket.id if key == "$ticket" else key: each for key, each in versions.items()}

    response = await buyer_client.post(
        "/api/orders", json={"ticketId": ticket.id, "ticketVersions": named}
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"].startswith("ticketVersions")
