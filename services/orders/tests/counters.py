"""What the tests of orders say again and again."""

from typing import Any

import httpx

from ticketing_common.events import TicketCreated


async def place(desk: httpx.AsyncClient, ticket: TicketCreated) -> Any:
    """A new order, as the service tells of it."""
    response = await desk.post("/api/orders", json={"ticketId": ticket.id})
    assert response.status_code == 201, response.text
    return response.json()


async def look(desk: httpx.AsyncClient, order: Any) -> Any:
    """The order as it is now."""
    return (await desk.get(f"/api/orders/{order['id']}")).json()
