"""The stack as a whole: sessions, ingress, logs and killed processes."""

import re

import httpx
import pytest
from tests.system.stack import PASSWORD, RunningStack

from ticketing_testing import eventually

pytestmark = pytest.mark.xdist_group("stack")


async def test_password_reset_by_mail_ends_every_session(stack: RunningStack) -> None:
    browser = await stack.sign_up()
    ticket = await browser.list_ticket()
    guest = await stack.open_browser()

    await guest.post("/api/users/forgot-password", json={"email": browser.email})
    mail = await stack.wait_for_mail(browser.email, "Reset your password")
    token = re.findall(r"token=([\w-]+)", mail["text"])[0]
    valid = await guest.post("/api/users/validate-token", json={"token": token})
    assert valid.json() == {"valid": True}
    new = {"newPassword": "another password", "repeatedNewPassword": "another password"}
    reset = await guest.post("/api/users/reset-password", json={"token": token, **new})

    assert reset.status_code == 200
    assert (await browser.get("/api/users/currentuser")).json() == {"currentUser": None}
    await _until_refused(browser, "/api/tickets?seller=me")
    await _until_refused(browser, "/api/orders")
    for password, status in [(PASSWORD, 400), ("another password", 200)]:
        signed_in = await guest.post(
            "/api/users/signin", json={"email": browser.email.upper(), "password": password}
        )
        assert signed_in.status_code == status
    own = await guest.get("/api/tickets?seller=me")
    assert [each["id"] for each in own.json()] == [ticket["id"]]


async def _until_refused(browser: httpx.AsyncClient, address: str) -> None:
    async def is_refused() -> bool:
        return (await browser.get(address)).status_code == 401

    assert await eventually(is_refused)


async def test_ingress_hides_the_probes(stack: RunningStack) -> None:
    guest = await stack.open_browser()
    for address in ("/metrics", "/healthz", "/readyz"):
        assert (await guest.get(address)).status_code == 404
        for resource in ("users", "tickets", "orders", "payments"):
            response = await guest.get(f"/api/{resource}{address}")
            assert response.status_code in (400, 401, 404, 405), response.text


async def test_every_service_publishes_its_openapi_document(stack: RunningStack) -> None:
    guest = await stack.open_browser()
    for resource in ("users", "tickets", "orders", "payments"):
        document = (await guest.get(f"/api/{resource}/openapi.json")).json()
        assert all(path.startswith(f"/api/{resource}") for path in document["paths"])


async def test_ingress_errors_have_the_error_body(stack: RunningStack) -> None:
    guest = await stack.open_browser()
    too_large = await guest.post("/api/tickets", content=b"x" * 2_000_000)
    too_large_for_service = await guest.post("/api/tickets", content=b"x" * 70_000)

    for response in (too_large, too_large_for_service):
        assert response.status_code == 413
        assert response.json()["errors"][0]["message"]


async def test_logs_contain_no_token(stack: RunningStack) -> None:
    guest = await stack.open_browser()

    response = await guest.post("/api/users/validate-token?token=secret-token")

    assert response.status_code == 404
    logs = await eventually(lambda: _logs_with(stack, "/api/users/validate-token"))
    assert "secret-token" not in logs


async def _logs_with(stack: RunningStack, text: str) -> str:
    """Return the logs of all processes, or nothing if they lack the text."""
    logs = stack.logs()
    return logs if text in logs else ""


async def test_page_of_another_origin_changes_nothing(stack: RunningStack) -> None:
    browser = await stack.sign_up()
    ticket = {"title": "a", "price": 1}

    foreign = await browser.post(
        "/api/tickets", json=ticket, headers={"Origin": "http://evil.test"}
    )
    own = await browser.post("/api/tickets", json=ticket, headers={"Origin": stack.url})

    assert foreign.status_code == 403
    assert own.status_code == 201


KILLED = ["tickets", "orders", "payments", "expiration", "contact", "nats", "redis", "mongo"]


async def test_killed_processes_restart_without_losing_data(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    before = {each["name"]: each["restarts"] for each in stack.status()["processes"]}
    orders = []

    for process in KILLED:
        ticket = await seller.list_ticket()
        orders.append((ticket, await buyer.order(ticket)))
        stack.kill(process)

    for ticket, order in orders:
        # The unpaid order expires: order, timer and hold have survived.
        await buyer.wait_for_order(order, status="cancelled")
        await seller.wait_for_ticket(ticket, orderId=None, version=2)
        await stack.wait_for_mail(buyer.email, f"Expired: {ticket['title']}")
    after = {each["name"]: each["restarts"] for each in stack.status()["processes"]}
    assert {process for process in after if after[process] > before[process]} == set(KILLED)
