import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from bson import ObjectId
from services.tickets.tests.requests import create_ticket, reserve_ticket

from ticketing_testing import RunningService, TestEnvironment, new_user
from tickets import search
from tickets.app import create_app
from tickets.models import Ticket
from tickets.search_migration import OLD_INDEXES
from tickets.settings import TicketsSettings

CASES = Path(__file__).parents[3] / "common" / "tests" / "cases" / "search.json"
"""Queries and titles. The client's tests compare its own matching with them."""


async def listed_titles(client: httpx.AsyncClient, **query: Any) -> list[str]:
    response = await client.get("/api/tickets", params=query)
    assert response.status_code == 200, response.text
    return [ticket["title"] for ticket in response.json()]


async def all_pages(client: httpx.AsyncClient, **query: Any) -> list[list[str]]:
    """Follow the links. Returns the titles of each page."""
    response = await client.get("/api/tickets", params=query)
    pages = [[ticket["title"] for ticket in response.json()]]
    while link := response.headers.get("link"):
        url, rel = link.split("; ")
        assert rel == 'rel="next"'
        response = await client.get(url.strip("<>"))
        pages.append([ticket["title"] for ticket in response.json()])
    return pages


async def test_list_has_tickets_for_sale(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    for_sale = await create_ticket(seller_client, "for sale")
    await reserve_ticket(tickets, await create_ticket(seller_client, "reserved"))

    response = await (await tickets.client()).get("/api/tickets")

    assert response.json() == [for_sale]


async def test_list_of_seller_has_all_own_tickets(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    await create_ticket(seller_client, "for sale")
    await reserve_ticket(tickets, await create_ticket(seller_client, "reserved"))
    other_client = await tickets.client(new_user())
    await create_ticket(other_client, "of another seller")

    titles = await listed_titles(seller_client, seller="me")

    assert sorted(titles) == ["for sale", "reserved"]


@pytest.mark.parametrize("query", ["seller=me", "seller=me&limit=0", "seller=me&cursor=none"])
async def test_list_of_seller_needs_session_before_anything_else(
    tickets: RunningService, query: str
) -> None:
    response = await (await tickets.client()).get(f"/api/tickets?{query}")

    assert response.status_code == 401
    assert response.json()["errors"][0]["code"] == "not_signed_in"


async def test_list_is_sorted(seller_client: httpx.AsyncClient) -> None:
    for title, price in [("middle", 10), ("expensive", 100.5), ("cheap", 9.99)]:
        await create_ticket(seller_client, title, price)

    assert await listed_titles(seller_client, sort="price") == ["cheap", "middle", "expensive"]
    assert await listed_titles(seller_client, sort="-price") == ["expensive", "middle", "cheap"]
    assert await listed_titles(seller_client) == ["cheap", "expensive", "middle"]


@pytest.mark.parametrize("sort", ["newest", "price", "-price"])
async def test_pages_contain_every_ticket_once(seller_client: httpx.AsyncClient, sort: str) -> None:
    for number in range(7):
        await create_ticket(seller_client, f"t{number}", 10 + number % 2)

    pages = await all_pages(seller_client, sort=sort, limit=3)

    assert [len(page) for page in pages] == [3, 3, 1]
    titles = [title for page in pages for title in page]
    assert titles == await listed_titles(seller_client, sort=sort)


async def test_next_page_is_not_moved_by_new_tickets(seller_client: httpx.AsyncClient) -> None:
    for number in range(4):
        await create_ticket(seller_client, f"t{number}")
    first = await seller_client.get("/api/tickets", params={"limit": 2})

    await create_ticket(seller_client, "new")
    second = await seller_client.get(first.headers["link"].split(">")[0].strip("<"))

    assert [ticket["title"] for ticket in second.json()] == ["t1", "t0"]


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("rolling", ["The Rolling Stones"]),
        ("STONES roll", ["The Rolling Stones"]),
        ("s", ["Sólstafir (Berlin)", "The Rolling Stones"]),
        ("solstafir", ["Sólstafir (Berlin)"]),
        ("(berlin)", ["Sólstafir (Berlin)"]),
        (".*", []),
        ("🎸", []),
        ("nothing", []),
        ("stones the rolling", ["The Rolling Stones"]),
        ("olling", []),
        ("", ["Sólstafir (Berlin)", "The Rolling Stones"]),
        ("  ", ["Sólstafir (Berlin)", "The Rolling Stones"]),
    ],
)
async def test_search_finds_titles_by_beginnings_of_words(
    seller_client: httpx.AsyncClient, q: str, titles: list[str]
) -> None:
    await create_ticket(seller_client, "The Rolling Stones")
    await create_ticket(seller_client, "Sólstafir (Berlin)")

    assert await listed_titles(seller_client, q=q) == titles


async def test_search_finds_what_the_client_finds(seller_client: httpx.AsyncClient) -> None:
    cases = json.loads(CASES.read_text())
    ids = {
        title: (await create_ticket(seller_client, title))["id"]
        for title in dict.fromkeys(case["title"] for case in cases)
    }
    for case in cases:
        for query in ({}, {"seller": "me"}):
            response = await seller_client.get(
                "/api/tickets", params={"q": case["query"], "limit": 100, **query}
            )
            found = ids[case["title"]] in [ticket["id"] for ticket in response.json()]
            assert found is case["found"], case


@pytest.mark.parametrize("sort", ["newest", "price", "-price"])
@pytest.mark.parametrize("query", [{}, {"q": "concert"}, {"q": "con t", "seller": "me"}])
async def test_pages_are_the_sorted_list(
    seller_client: httpx.AsyncClient, sort: str, query: dict[str, str]
) -> None:
    for number in range(40):
        # Equal prices, and gaps between them.
        await create_ticket(seller_client, f"Concert t{number}", 10 + number % 3 * 40)
    everything = await listed_titles(seller_client, sort=sort, limit=100, **query)

    # Repeated: the first round learns how wide the ranges of the pages are.
    for limit in (7, 7, 1, 16, 7):
        pages = await all_pages(seller_client, sort=sort, limit=limit, **query)
        assert [title for page in pages for title in page] == everything
    assert len(everything) == 40


async def test_search_compares_whole_long_words(
    seller_client: httpx.AsyncClient,
) -> None:
    await create_ticket(seller_client, "a" * 30 + "b")

    assert await listed_titles(seller_client, q="a" * 25) == ["a" * 30 + "b"]
    assert await listed_titles(seller_client, q="a" * 25 + "b") == []


@pytest.mark.parametrize("sort", ["newest", "price"])
async def test_search_reports_that_it_examined_too_many_tickets(
    seller_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(search, "MAX_EXAMINED", 6)
    monkeypatch.setattr(search, "CHUNK", 4)
    await create_ticket(seller_client, "Concert rare")
    for number in range(6):
        await create_ticket(seller_client, f"Concert {number}")

    async def find(q: str) -> tuple[int, str | None]:
        response = await seller_client.get("/api/tickets", params={"q": q, "sort": sort})
        return len(response.json()), response.headers.get("Search-Incomplete")

    assert await find("concert rare") == (0, "true")
    assert await find("rare") == (1, None)
    assert await find("concert 3") == (1, "true")


async def test_list_omits_a_row_that_cannot_be_rendered(
    seller_client: httpx.AsyncClient,
) -> None:
    good = await create_ticket(seller_client, "good")
    collection = Ticket.get_pymongo_collection()
    row = await collection.find_one({"_id": ObjectId(good["id"])})
    assert row is not None
    for changes in (
        {"price": 1234567890123456},
        {"price": "12"},
        {"price": 12.5},
        {"title": None},
        {"user_id": "nobody"},
        {"version": "x"},
    ):
        await collection.insert_one(row | changes | {"_id": ObjectId()})

    for sort in ("newest", "price", "-price"):
        for query in ({}, {"q": "good"}, {"limit": 1}, {"seller": "me"}):
            pages = await all_pages(seller_client, sort=sort, **query)
            assert [title for page in pages for title in page] == ["good"], (sort, query)


@pytest.mark.parametrize(
    "old_index",
    [[("search_terms", 1)], [("order_id", 1), ("search_terms", 1), ("_id", -1)]],
)
async def test_service_migrates_search_terms_of_an_earlier_release(
    environment: TestEnvironment, old_index: list[tuple[str, int]]
) -> None:
    settings = TicketsSettings(**environment.settings())
    seller = new_user()
    async with environment.serve(create_app(settings)) as service:
        await create_ticket(await service.client(seller), "Konzert_S\u00f3l")
        collection = Ticket.get_pymongo_collection()
        await collection.update_one({}, {"$set": {"search_terms": ["konzert_s\u00f3l"]}})
        await collection.create_index(old_index)

    async with environment.serve(create_app(settings)) as service:
        assert await listed_titles(await service.client(), q="sol") == ["Konzert_S\u00f3l"]
        indexes = await Ticket.get_pymongo_collection().index_information()
        assert indexes.keys().isdisjoint(OLD_INDEXES)


async def test_search_finds_changed_title(seller_client: httpx.AsyncClient) -> None:
    ticket = await create_ticket(seller_client, "before")

    await seller_client.put(f"/api/tickets/{ticket['id']}", json={"title": "after", "price": 1})

    assert await listed_titles(seller_client, q="before") == []
    assert await listed_titles(seller_client, q="after") == ["after"]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"limit": 0}, "limit", "greater_than_equal"),
        ({"limit": 101}, "limit", "less_than_equal"),
        ({"limit": "x"}, "limit", "int_parsing"),
        ({"sort": "title"}, "sort", "enum"),
        ({"seller": "somebody"}, "seller", "enum"),
        ({"cursor": "nonsense"}, "cursor", "invalid_cursor"),
        ({"cursor": "WzEsMl0="}, "cursor", "invalid_cursor"),
        ({"cursor": "W10="}, "cursor", "invalid_cursor"),
        ({"q": "x" * 201}, "q", "string_too_long"),
    ],
)
async def test_list_refuses_invalid_query(
    seller_client: httpx.AsyncClient, query: dict[str, Any], field: str, code: str
) -> None:
    response = await seller_client.get("/api/tickets", params=query)

    assert response.status_code == 400
    error = response.json()["errors"][0]
    assert (error["field"], error["code"]) == (field, code)


async def test_list_refuses_cursor_of_another_sort_order(seller_client: httpx.AsyncClient) -> None:
    for number in range(3):
        await create_ticket(seller_client, f"t{number}")
    newest = await seller_client.get("/api/tickets", params={"limit": 1})
    cursor = newest.headers["link"].split("cursor=")[1].split(">")[0].replace("%3D", "=")

    response = await seller_client.get("/api/tickets", params={"sort": "price", "cursor": cursor})

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "invalid_cursor"
