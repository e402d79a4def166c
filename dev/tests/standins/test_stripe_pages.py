"""The pages of the Stripe stand-in: the bank's authentication and the overview."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

Pay = Callable[..., Any]
THREE_D_SECURE = "pm_card_threeDSecure2Required"


def page_of(intent: Any, back: str = "/orders/1") -> str:
    query = {"client_secret": intent.client_secret, "return_url": back}
    return f"/authenticate?{urlencode(query)}"


@pytest.mark.parametrize(
    ("method", "decision", "status"),
    [
        (THREE_D_SECURE, "approve", "succeeded"),
        (THREE_D_SECURE, "decline", "requires_payment_method"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "approve", "requires_payment_method"),
    ],
)
async def test_authentication_page_finishes_the_payment_and_redirects(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, method: str, decision: str, status: str
) -> None:
    intent = await pay(method, amount=4950, description="<b>Front row</b>")
    shown = await stripe_http.get(page_of(intent))
    assert "Do you want to pay 49.50 USD to Tickets?" in shown.text
    assert "&lt;b&gt;Front row" in shown.text
    assert "script-src 'none'" in shown.headers["Content-Security-Policy"]
    pressed = await stripe_http.post(page_of(intent), data={"decision": decision})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/orders/1")
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == status


async def test_authentication_page_rejects_other_origins(
    pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    for other_origin in (
        "",
        "orders/1",
        "//example.com",
        "/\\example.com",
        "/\t/example.com",
        "/a\\b",
        "/\r\nX: y",
        "https://example.com/",
        "javascript:alert(1)",
    ):
        for method, data in (("GET", None), ("POST", {"decision": "approve"})):
            response = await stripe_http.request(method, page_of(intent, other_origin), data=data)
            assert response.status_code == 400, other_origin
    back = await stripe_http.post(page_of(intent, "/o?a=1#b"), data={"decision": "approve"})
    assert back.headers["location"] == "/o?a=1#b"


async def test_authentication_page_has_no_form_for_a_final_payment(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    await client.v1.payment_intents.cancel_async(intent.id)
    for response in (
        await stripe_http.get(page_of(intent)),
        await stripe_http.post(page_of(intent), data={"decision": "approve"}),
    ):
        assert response.status_code == 200
        assert "is canceled" in response.text
        assert '<a href="/orders/1">' in response.text
        assert "<form" not in response.text


async def test_authentication_page_needs_the_client_secret(
    pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    for secret in ("", "pi_nonesuch_secret_x", f"{intent.id}_secret_guessed", intent.id):
        query = urlencode({"client_secret": secret, "return_url": "/orders/1"})
        response = await stripe_http.post(f"/authenticate?{query}", data={"decision": "approve"})
        assert response.status_code == 404
        assert "Payment not found" in response.text
        assert '<a href="/orders/1">' in response.text
    unclear = await stripe_http.post(page_of(intent), data={"decision": "perhaps"})
    assert unclear.status_code == 400


async def test_overview_page_lists_payments_and_escapes_html(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    empty = await stripe_http.get("/")
    assert empty.text.count("None yet.") == 5
    intent = await pay("pm_card_visa", description="<script>alert(1)</script>")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    shown = await stripe_http.get("/")
    for text in (intent.id, intent.latest_charge, refund.id, "$20.00", "$5.00 refunded"):
        assert text in shown.text
    assert "<script" not in shown.text
    assert "script-src 'none'" in shown.headers["Content-Security-Policy"]


async def test_overview_page_buttons_set_payment_outcomes(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    button = f"outcomes/payment_intents/{intent.id}"
    assert f'action="{button}"' in (await stripe_http.get("/")).text
    pressed = await stripe_http.post(
        f"/{button}", data={"outcome": "succeed"}, follow_redirects=True
    )
    assert "Stripe stand-in" in pressed.text
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == "succeeded"


async def test_overview_page_buttons_settle_refunds_and_disputes(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay("pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data
    outcomes = {
        f"outcomes/refunds/{refund.id}": "succeed",
        f"outcomes/disputes/{dispute.id}": "lost",
    }
    shown = (await stripe_http.get("/")).text
    for button, outcome in outcomes.items():
        assert f'action="{button}"' in shown
        pressed = await stripe_http.post(f"/{button}", data={"outcome": outcome})
        assert pressed.status_code == 303
        again = await stripe_http.post(f"/{button}", data={"outcome": outcome})
        assert again.status_code == 400
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "lost"
