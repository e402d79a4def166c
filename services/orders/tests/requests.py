"""Requests that several test modules send."""

from typing import Any

import httpx

from ticketing_common.events import TicketCreated


async def create_order(client: httpx.AsyncClient, ticket: TicketCreated) -> Any:
    response = await client.post("/api/orders", json={"ticketId": ticket.id})
    assert response.status_code == 201, response.text
    return response.json()


async def get_order(client: httpx.AsyncClient, order: Any) -> Any:
    return (await client.get(f"/api/orders/{order['id']}")).json()
