import re

import httpx
import pytest
from tests.system.stack import PASSWORD, Market

from ticketing_testing import eventually

pytestmark = pytest.mark.xdist_group("market")


async def test_a_password_is_reset_through_the_mail_and_every_session_ends(
    market: Market,
) -> None:
    person = await market.somebody()
    ticket = await person.offer()
    visitor = await market.visitor()

    await visitor.post("/api/users/forgot-password", json={"email": person.email})
    mail = await market.mail_to(person.email, "Choose a new password")
    token = re.findall(r"token=([\w-]+)", mail["text"])[0]
    valid = await visitor.post("/api/users/validate-token", json={"token": token})
    assert valid.json() == {"valid": True}
    new = {"newPassword": "another password", "repeatedNewPassword": "another password"}
    reset = await visitor.post("/api/users/reset-password", json={"token": token, **new})

    assert reset.status_code == 200
    assert (await person.get("/api/users/currentuser")).json() == {"currentUser": None}
    await _until_refused(person, "/api/tickets?seller=me")
    await _until_refused(person, "/api/orders")
    for password, status in [(PASSWORD, 400), ("another password", 200)]:
        signed_in = await visitor.post(
            "/api/users/signin", json={"email": person.email.upper(), "password": password}
        )
        assert signed_in.status_code == status
    own = await visitor.get("/api/tickets?seller=me")
    assert [each["id"] for each in own.json()] == [ticket["id"]]


async def _until_refused(person: httpx.AsyncClient, address: str) -> None:
    async def refused() -> bool:
        return (await person.get(address)).status_code == 401

    assert await eventually(refused)


async def test_what_is_for_the_cluster_alone_is_out_of_reach(market: Market) -> None:
    visitor = await market.visitor()
    for address in ("/metrics", "/healthz", "/readyz"):
        assert (await visitor.get(address)).status_code == 404
        for noun in ("users", "tickets", "orders", "payments"):
            answer = await visitor.get(f"/api/{noun}{address}")
            assert answer.status_code in (400, 401, 404, 405), answer.text


async def test_every_service_tells_of_its_routes(market: Market) -> None:
    visitor = await market.visitor()
    for noun in ("users", "tickets", "orders", "payments"):
        document = (await visitor.get(f"/api/{noun}/openapi.json")).json()
        assert all(path.startswith(f"/api/{noun}") for path in document["paths"])


async def test_what_nginx_refuses_itself_has_the_one_shape_of_an_error(market: Market) -> None:
    visitor = await market.visitor()
    too_large = await visitor.post("/api/tickets", content=b"x" * 2_000_000)
    a_little_too_large = await visitor.post("/api/tickets", content=b"x" * 70_000)

    for answer in (too_large, a_little_too_large):
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["message"]


async def test_a_token_in_a_query_is_in_no_log(market: Market) -> None:
    visitor = await market.visitor()

    asked = await visitor.post("/api/users/validate-token?token=only-for-the-bearer")

    assert asked.status_code == 404
    logged = await eventually(lambda: _logged_about(market, "/api/users/validate-token"))
    assert "only-for-the-bearer" not in logged


async def _logged_about(market: Market, what: str) -> str:
    """All that all parts have logged, once it tells of `what`."""
    logged = market.logs()
    return logged if what in logged else ""


async def test_a_page_of_another_origin_cannot_change_anything(market: Market) -> None:
    person = await market.somebody()
    offer = {"title": "a", "price": 1}

    theirs = await person.post("/api/tickets", json=offer, headers={"Origin": "http://evil.test"})
    ours = await person.post("/api/tickets", json=offer, headers={"Origin": market.url})

    assert theirs.status_code == 403
    assert ours.status_code == 201


KILLED = ["tickets", "orders", "payments", "expiration", "contact", "nats", "redis", "mongo"]


async def test_parts_that_are_killed_come_back_and_nothing_is_lost(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    before = {each["name"]: each["restarts"] for each in market.status()["processes"]}
    orders = []

    for part in KILLED:
        ticket = await seller.offer()
        orders.append((ticket, await buyer.order(ticket)))
        market.kill(part)

    for ticket, order in orders:
        # Nobody pays, so the ticket is free again: its order, its timer and its hold survived.
        await buyer.sees_order(order, status="cancelled")
        await seller.sees_ticket(ticket, orderId=None, version=2)
        await market.mail_to(buyer.email, f"Cancelled: {ticket['title']}")
    after = {each["name"]: each["restarts"] for each in market.status()["processes"]}
    assert {part for part in after if after[part] > before[part]} == set(KILLED)
