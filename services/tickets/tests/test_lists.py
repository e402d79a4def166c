from typing import Any

import httpx
import pytest
from services.tickets.tests.offers import offer
from services.tickets.tests.test_routes import reserve

from ticketing_testing import RunningService, new_user
from tickets.models import words_of


async def listed(shop: httpx.AsyncClient, **query: Any) -> list[str]:
    response = await shop.get("/api/tickets", params=query)
    assert response.status_code == 200, response.text
    return [ticket["title"] for ticket in response.json()]


async def pages(shop: httpx.AsyncClient, **query: Any) -> list[list[str]]:
    """Every page, by following the links."""
    found = []
    response = await shop.get("/api/tickets", params=query)
    found.append([ticket["title"] for ticket in response.json()])
    while link := response.headers.get("link"):
        address, rel = link.split("; ")
        assert rel == 'rel="next"'
        response = await shop.get(address.strip("<>"))
        found.append([ticket["title"] for ticket in response.json()])
    return found


async def test_a_list_shows_the_tickets_that_nobody_holds(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    free, held = await offer(shop, "free"), await offer(shop, "held")
    await reserve(tickets, held)

    response = await (await tickets.client()).get("/api/tickets")

    assert response.json() == [free]


async def test_a_seller_sees_all_tickets_of_their_own(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    await offer(shop, "free")
    await reserve(tickets, await offer(shop, "held"))
    other = await tickets.client(new_user())
    await offer(other, "another's")

    assert sorted(await listed(shop, seller="me")) == ["free", "held"]
    stranger = await tickets.client()
    for query in ("seller=me", "seller=me&limit=0", "seller=me&cursor=none"):
        assert (await stranger.get(f"/api/tickets?{query}")).status_code == 401


async def test_a_list_is_sorted_as_asked(shop: httpx.AsyncClient) -> None:
    for title, price in [("middle", 10), ("dear", 100.5), ("cheap", 9.99)]:
        await offer(shop, title, price)

    assert await listed(shop, sort="price") == ["cheap", "middle", "dear"]
    assert await listed(shop, sort="-price") == ["dear", "middle", "cheap"]
    assert await listed(shop) == ["cheap", "dear", "middle"]


@pytest.mark.parametrize("sort", ["newest", "price", "-price"])
async def test_pages_together_show_every_ticket_once(shop: httpx.AsyncClient, sort: str) -> None:
    for number in range(7):
        await offer(shop, f"t{number}", 10 + number % 2)

    found = await pages(shop, sort=sort, limit=3)

    assert [len(page) for page in found] == [3, 3, 1]
    assert [title for page in found for title in page] == await listed(shop, sort=sort)


async def test_a_page_keeps_its_place_while_others_sell(shop: httpx.AsyncClient) -> None:
    for number in range(4):
        await offer(shop, f"t{number}")
    first = await shop.get("/api/tickets", params={"limit": 2})

    await offer(shop, "new")
    second = await shop.get(first.headers["link"].split(">")[0].strip("<"))

    assert [ticket["title"] for ticket in second.json()] == ["t1", "t0"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("rolling", ["The Rolling Stones"]),
        ("STONES roll", ["The Rolling Stones"]),
        ("s", ["Sólstafir (Berlin)", "The Rolling Stones"]),
        ("solstafir", []),
        ("sólstafir", ["Sólstafir (Berlin)"]),
        ("(berlin)", ["Sólstafir (Berlin)"]),
        (".*", ["Sólstafir (Berlin)", "The Rolling Stones"]),
        ("nothing", []),
        ("", ["Sólstafir (Berlin)", "The Rolling Stones"]),
    ],
)
async def test_a_search_finds_titles_by_the_beginnings_of_their_words(
    shop: httpx.AsyncClient, q: str, found: list[str]
) -> None:
    await offer(shop, "The Rolling Stones")
    await offer(shop, "Sólstafir (Berlin)")

    assert await listed(shop, q=q) == found


async def test_a_search_follows_a_change_of_the_title(shop: httpx.AsyncClient) -> None:
    made = await offer(shop, "before")
    await shop.put(f"/api/tickets/{made['id']}", json={"title": "after", "price": 1})

    assert await listed(shop, q="before") == []
    assert await listed(shop, q="after") == ["after"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"sort": "title"}, "sort"),
        ({"seller": "somebody"}, "seller"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WzEsMl0="}, "cursor"),
        ({"cursor": "W10="}, "cursor"),
        ({"q": "x" * 201}, "q"),
    ],
)
async def test_what_is_no_query_is_refused(
    shop: httpx.AsyncClient, query: dict[str, Any], field: str
) -> None:
    response = await shop.get("/api/tickets", params=query)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field


async def test_a_cursor_of_another_order_is_refused_or_harmless(shop: httpx.AsyncClient) -> None:
    for number in range(3):
        await offer(shop, f"t{number}")
    newest = await shop.get("/api/tickets", params={"limit": 1})
    cursor = newest.headers["link"].split("cursor=")[1].split(">")[0].replace("%3D", "=")

    response = await shop.get("/api/tickets", params={"sort": "price", "cursor": cursor})

    assert response.status_code == 400


def test_words_are_the_different_ones_in_lower_case() -> None:
    assert words_of("The  Who: the Who!") == ["the", "who"]
