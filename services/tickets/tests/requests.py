"""Requests and events that several test modules send."""

from typing import Any

import httpx

from ticketing_common.events import OrderCreated
from ticketing_testing import RunningService, new_event
from tickets.handlers import listeners


async def create_ticket(
    client: httpx.AsyncClient, title: str = "Concert", price: float = 25
) -> Any:
    response = await client.post("/api/tickets", json={"title": title, "price": price})
    assert response.status_code == 201, response.text
    return response.json()


async def get_ticket(client: httpx.AsyncClient, ticket: Any) -> Any:
    return (await client.get(f"/api/tickets/{ticket['id']}")).json()


async def reserve_ticket(tickets: RunningService, ticket: Any) -> OrderCreated:
    """Publish an order of the ticket and wait until it is handled."""
    ordered = {name: ticket[name] for name in ("id", "title", "price")}
    event = new_event(OrderCreated, ticket=ordered)
    await tickets.bus.publish(event)
    await tickets.bus.wait_until_handled(listeners)
    return event
