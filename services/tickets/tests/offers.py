"""What the tests of tickets say again and again."""

from typing import Any

import httpx


async def offer(shop: httpx.AsyncClient, title: str = "Concert", price: float = 25) -> Any:
    """A new ticket, as the service tells of it."""
    response = await shop.post("/api/tickets", json={"title": title, "price": price})
    assert response.status_code == 201, response.text
    return response.json()


async def look(shop: httpx.AsyncClient, ticket: Any) -> Any:
    """The ticket as it is now."""
    return (await shop.get(f"/api/tickets/{ticket['id']}")).json()
