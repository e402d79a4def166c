"""The pages of the Stripe stand-in: for the buyer, and for whoever wants to see what happened."""

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
async def test_the_bank_asks_the_buyer_and_sends_them_back(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, method: str, decision: str, status: str
) -> None:
    intent = await pay(method, amount=4950, description="<b>Front row</b>")
    shown = await stripe_http.get(page_of(intent))
    assert "is it you who pays 49.50 USD to Tickets?" in shown.text
    assert "&lt;b&gt;Front row" in shown.text
    assert "script-src 'none'" in shown.headers["Content-Security-Policy"]
    pressed = await stripe_http.post(page_of(intent), data={"decision": decision})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/orders/1")
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == status


async def test_the_way_back_stays_on_this_site(pay: Pay, stripe_http: httpx.AsyncClient) -> None:
    intent = await pay(THREE_D_SECURE)
    for elsewhere in (
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
            answer = await stripe_http.request(method, page_of(intent, elsewhere), data=data)
            assert answer.status_code == 400, elsewhere
    back = await stripe_http.post(page_of(intent, "/o?a=1#b"), data={"decision": "approve"})
    assert back.headers["location"] == "/o?a=1#b"


async def test_a_payment_that_waits_for_nobody_is_not_asked_about(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    await client.v1.payment_intents.cancel_async(intent.id)
    for answer in (
        await stripe_http.get(page_of(intent)),
        await stripe_http.post(page_of(intent), data={"decision": "approve"}),
    ):
        assert answer.status_code == 200
        assert "it is canceled" in answer.text
        assert '<a href="/orders/1">' in answer.text
        assert "<form" not in answer.text


async def test_only_who_has_the_secret_is_asked(pay: Pay, stripe_http: httpx.AsyncClient) -> None:
    intent = await pay(THREE_D_SECURE)
    for secret in ("", "pi_nonesuch_secret_x", f"{intent.id}_secret_guessed", intent.id):
        query = urlencode({"client_secret": secret, "return_url": "/orders/1"})
        answer = await stripe_http.post(f"/authenticate?{query}", data={"decision": "approve"})
        assert answer.status_code == 404
        assert "does not know this payment" in answer.text
        assert '<a href="/orders/1">' in answer.text
    unclear = await stripe_http.post(page_of(intent), data={"decision": "perhaps"})
    assert unclear.status_code == 400


async def test_the_page_shows_what_became_of_the_money_and_escapes_it(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    empty = await stripe_http.get("/")
    assert empty.text.count("None yet.") == 5
    intent = await pay("pm_card_visa", description="<script>alert(1)</script>")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    shown = await stripe_http.get("/")
    for part in (intent.id, intent.latest_charge, refund.id, "$20.00", "$5.00 refunded"):
        assert part in shown.text
    assert "<script" not in shown.text
    assert "script-src 'none'" in shown.headers["Content-Security-Policy"]


async def test_the_pages_buttons_play_the_buyer(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(THREE_D_SECURE)
    button = f"play/payment_intents/{intent.id}"
    assert f'action="{button}"' in (await stripe_http.get("/")).text
    pressed = await stripe_http.post(
        f"/{button}", data={"outcome": "succeed"}, follow_redirects=True
    )
    assert "Stripe stand-in" in pressed.text
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == "succeeded"


async def test_the_pages_buttons_settle_refunds_and_disputes(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay("pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data
    presses = {f"play/refunds/{refund.id}": "succeed", f"play/disputes/{dispute.id}": "lost"}
    shown = (await stripe_http.get("/")).text
    for button, outcome in presses.items():
        assert f'action="{button}"' in shown
        pressed = await stripe_http.post(f"/{button}", data={"outcome": outcome})
        assert pressed.status_code == 303
        again = await stripe_http.post(f"/{button}", data={"outcome": outcome})
        assert again.status_code == 400
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "lost"
