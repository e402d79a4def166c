import asyncio
import json

import httpx
import pytest
from bson import ObjectId
from services.tickets.tests.requests import create_ticket, get_ticket, reserve_ticket

from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, TestEnvironment, new_id, new_user
from ticketing_testing.timeouts import TIMEOUT_SECONDS
from tickets.app import create_app
from tickets.models import Ticket
from tickets.settings import TicketsSettings

VALID = {"title": "Opera", "price": 30}


async def test_create_ticket_returns_and_publishes_it(
    tickets: RunningService, seller_client: httpx.AsyncClient, seller: SessionUser
) -> None:
    ticket = await create_ticket(seller_client, "  Concert ", 19.99)

    assert ticket == {
        "id": ticket["id"],
        "title": "Concert",
        "price": 19.99,
        "userId": seller.id,
        "orderId": None,
        "reservedUntil": None,
        "soldAt": None,
        "version": 0,
    }
    assert await get_ticket(seller_client, ticket) == ticket
    [event] = await tickets.bus.published(TicketCreated)
    assert event == TicketCreated.model_validate_json(json.dumps(ticket))


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"price": 10}, "title", "missing"),
        ({"title": "", "price": 10}, "title", "string_too_short"),
        ({"title": "   ", "price": 10}, "title", "string_too_short"),
        ({"title": "x" * 201, "price": 10}, "title", "string_too_long"),
        ({"title": "a\x00b", "price": 10}, "title", "control_characters"),
        ({"title": "\u200b", "price": 10}, "title", "invisible_text"),
        ({"title": "\u3164 \u00ad", "price": 10}, "title", "invisible_text"),
        ({"title": "a\u202eb", "price": 10}, "title", "direction_characters"),
        ({"title": 1, "price": 10}, "title", "string_type"),
        ({"title": "a"}, "price", "missing"),
        ({"title": "a", "price": "1,500"}, "price", "ambiguous_price"),
        ({"title": "a", "price": ""}, "price", "number_type"),
        ({"title": "a", "price": None}, "price", "number_type"),
        ({"title": "a", "price": 0}, "price", "price_out_of_range"),
        ({"title": "a", "price": -1}, "price", "price_out_of_range"),
        ({"title": "a", "price": 0.01}, "price", "price_out_of_range"),
        ({"title": "a", "price": 0.49}, "price", "price_out_of_range"),
        ({"title": "a", "price": 1_000_000}, "price", "price_out_of_range"),
        ({"title": "a", "price": 1e300}, "price", "price_out_of_range"),
        ({"title": "a", "price": 1.001}, "price", "decimal_max_places"),
        ({"title": "a", "price": "10"}, "price", "number_type"),
        ({"title": "a", "price": True}, "price", "number_type"),
    ],
)
async def test_create_ticket_names_invalid_field(
    seller_client: httpx.AsyncClient, body: object, field: str, code: str
) -> None:
    response = await seller_client.post("/api/tickets", json=body)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert error["message"]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"title": "", "price": ""}, ["Enter a title", "Enter a price"]),
        ({"title": None, "price": None}, ["Enter a title", "Enter a price"]),
        ({}, ["Enter a title", "Enter a price"]),
        (
            {"title": "\u2060", "price": "$1,500"},
            ["Enter a title", "$1,500 can mean 1500 or 1.500. Write the one that you mean."],
        ),
        (
            {"title": "x" * 201, "price": "free"},
            [
                "Use at most 200 characters",
                "Enter a price in USD as a number, such as 1500 or 19.99",
            ],
        ),
        ({"title": "a", "price": 1.001}, ["Use at most 2 decimals"]),
        ([], ["Send a JSON object"]),
    ],
)
async def test_create_ticket_has_a_message_for_each_violated_rule(
    seller_client: httpx.AsyncClient, body: object, messages: list[str]
) -> None:
    response = await seller_client.post("/api/tickets", json=body)

    assert response.status_code == 400
    assert [error["message"] for error in response.json()["errors"]] == messages


async def test_title_is_stored_in_composed_form(seller_client: httpx.AsyncClient) -> None:
    ticket = await create_ticket(seller_client, " Zoe\u0308" + "e\u0301" * 195)

    assert ticket["title"] == "Zo\u00eb" + "\u00e9" * 195
    changed = {"title": "Sa\u0303o Paulo", "price": 1}
    response = await seller_client.put(f"/api/tickets/{ticket['id']}", json=changed)
    assert response.json()["title"] == "S\u00e3o Paulo"


@pytest.mark.parametrize("price", [0.5, 19.99, 100.0, 999_999.99])
async def test_create_ticket_stores_minor_units(
    seller_client: httpx.AsyncClient, price: float
) -> None:
    ticket = await create_ticket(seller_client, price=price)

    stored = await Ticket.get_pymongo_collection().find_one({"_id": ObjectId(ticket["id"])})
    assert stored is not None
    assert (type(stored["price"]), stored["price"]) == (int, round(price * 100))
    assert (await get_ticket(seller_client, ticket))["price"] == ticket["price"] == price


async def test_ticket_routes_name_the_price_range(seller_client: httpx.AsyncClient) -> None:
    ticket = await create_ticket(seller_client)

    for response in (
        await seller_client.post("/api/tickets", json={"title": "a", "price": 0.49}),
        await seller_client.put(
            f"/api/tickets/{ticket['id']}", json={"title": "a", "price": 1_000_000}
        ),
    ):
        assert response.status_code == 400
        [error] = response.json()["errors"]
        assert error["message"] == "Price must be between $0.50 and $999,999.99"


async def test_price_range_is_that_of_the_currency(environment: TestEnvironment) -> None:
    app = create_app(TicketsSettings(**environment.settings(), currency="gbp"))

    async with environment.serve(app) as service:
        client = await service.client(new_user())
        too_low = await client.post("/api/tickets", json={"title": "a", "price": 0.29})
        lowest = await client.post("/api/tickets", json={"title": "a", "price": 0.3})
        document = (await client.get("/api/tickets/openapi.json")).json()

    [error] = too_low.json()["errors"]
    assert error["message"] == "Price must be between 0.30 GBP and 999,999.99 GBP"
    assert lowest.status_code == 201
    price = document["components"]["schemas"]["TicketRequest"]["properties"]["price"]
    assert (price["minimum"], price["maximum"]) == (0.3, 999_999.99)


async def test_create_ticket_names_every_invalid_field(seller_client: httpx.AsyncClient) -> None:
    response = await seller_client.post("/api/tickets", json={"title": "", "price": 0})

    assert {error["field"] for error in response.json()["errors"]} == {"title", "price"}


async def test_routes_accept_trailing_slash(seller_client: httpx.AsyncClient) -> None:
    created = await seller_client.post("/api/tickets/", json=VALID)

    assert created.status_code == 201
    assert (await seller_client.get("/api/tickets/")).json() == [created.json()]


async def test_create_ticket_checks_session_before_body(tickets: RunningService) -> None:
    client = await tickets.client()

    for content in (b"{", b"{}", b'{"title": "a", "price": 1}'):
        response = await client.post("/api/tickets", content=content)
        assert response.status_code == 401
        assert response.json() == {
            "errors": [{"code": "not_signed_in", "message": "Not authorized"}]
        }


async def test_update_ticket_returns_and_publishes_next_version(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)

    updated = await seller_client.put(f"/api/tickets/{ticket['id']}", json=VALID)

    assert updated.status_code == 200
    assert updated.json() == ticket | VALID | {"version": 1}
    [event] = await tickets.bus.published(TicketUpdated)
    assert (event.version, event.title, event.order_id) == (1, "Opera", None)


async def test_update_and_delete_ticket_refuse_other_users(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)
    other_client = await tickets.client(new_user())
    path = f"/api/tickets/{ticket['id']}"

    for response in (await other_client.put(path, json=VALID), await other_client.delete(path)):
        assert response.status_code == 401
        assert response.json()["errors"][0]["code"] == "not_owner"

    assert await get_ticket(seller_client, ticket) == ticket


async def test_update_and_delete_ticket_refuse_reserved_ticket(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)
    await reserve_ticket(tickets, ticket)
    path = f"/api/tickets/{ticket['id']}"

    for response in (await seller_client.put(path, json=VALID), await seller_client.delete(path)):
        assert response.status_code == 400
        assert response.json() == {
            "errors": [
                {
                    "code": "ticket_not_changeable",
                    "message": "Cannot change a ticket that is reserved or sold",
                }
            ]
        }


async def test_update_ticket_checks_in_order_of_contract(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)
    await reserve_ticket(tickets, ticket)
    other_client = await tickets.client(new_user())
    anonymous_client = await tickets.client()

    async def error(client: httpx.AsyncClient, ticket_id: str, body: object) -> tuple[int, str]:
        response = await client.put(f"/api/tickets/{ticket_id}", json=body)
        return response.status_code, response.json()["errors"][0]["code"]

    assert await error(anonymous_client, "malformed", {}) == (401, "not_signed_in")
    assert await error(seller_client, "malformed", VALID) == (400, "invalid_id")
    assert await error(other_client, ticket["id"], {}) == (400, "missing")
    assert await error(seller_client, new_id(), VALID) == (404, "not_found")
    assert await error(other_client, ticket["id"], VALID) == (401, "not_owner")
    assert await error(seller_client, ticket["id"], VALID) == (400, "ticket_not_changeable")


async def test_delete_ticket_removes_it_and_publishes_event(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)
    path = f"/api/tickets/{ticket['id']}"

    deleted = await seller_client.delete(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await seller_client.get(path)).status_code == 404
    assert (await seller_client.delete(path)).status_code == 404
    [event] = await tickets.bus.published(TicketDeleted)
    assert (event.id, event.version) == (ticket["id"], 1)


async def test_get_ticket_needs_no_session(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    ticket = await create_ticket(seller_client)

    assert await get_ticket(await tickets.client(), ticket) == ticket


async def test_get_ticket_distinguishes_unknown_from_malformed_id(
    seller_client: httpx.AsyncClient,
) -> None:
    unknown = await seller_client.get(f"/api/tickets/{new_id()}")
    malformed = await seller_client.get("/api/tickets/nonsense")

    assert unknown.status_code == 404
    assert unknown.json() == {"errors": [{"code": "not_found", "message": "Not found"}]}
    assert malformed.status_code == 400
    [error] = malformed.json()["errors"]
    assert (error["field"], error["code"]) == ("ticketId", "invalid_id")


async def test_reads_have_an_etag_and_a_304(
    seller_client: httpx.AsyncClient,
) -> None:
    ticket = await create_ticket(seller_client)

    for url in (
        "/api/tickets",
        "/api/tickets?sort=price",
        "/api/tickets?q=con",
        "/api/tickets?seller=me",
        f"/api/tickets/{ticket['id']}",
    ):
        first = await seller_client.get(url)
        assert first.headers["Cache-Control"] == ("no-store" if "seller" in url else "no-cache")
        etag = first.headers["ETag"]
        same = await seller_client.get(url, headers={"If-None-Match": etag})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["ETag"] == etag
        assert same.headers["X-Request-ID"]
        assert int(same.headers["Last-Event-ID"]) >= int(first.headers["Last-Event-ID"])

        await seller_client.put(
            f"/api/tickets/{ticket['id']}", json={"title": f"Concert {url}", "price": 25}
        )
        changed = await seller_client.get(url, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != etag


async def test_head_is_get_without_a_body(seller_client: httpx.AsyncClient) -> None:
    ticket = await create_ticket(seller_client)
    missing = f"/api/tickets/{new_id()}"

    for url in (
        "/api/tickets",
        f"/api/tickets/{ticket['id']}",
        missing,
        "/api/tickets/openapi.json",
    ):
        get, head = await seller_client.get(url), await seller_client.head(url)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["Content-Length"] == str(len(get.content))
        assert head.headers.get("ETag") == get.headers.get("ETag")

    async with asyncio.timeout(TIMEOUT_SECONDS):
        stream = await seller_client.head("/api/tickets/stream")
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert (await seller_client.head("/api/tickets/unknown/path")).status_code == 404
