import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.system.stack import COMMAND, Market, Person

from ticketing_testing import eventually

pytestmark = pytest.mark.xdist_group("market")

CARD = "pm_card_threeDSecure2Required"


async def decide(buyer: Person, payment: Any, decision: str) -> None:
    """On the page of the bank, then back to the market."""
    page = "/dev/stripe/authenticate"
    where = {"client_secret": payment["clientSecret"], "return_url": "/orders"}
    asked = await buyer.get(page, params=where)
    assert asked.status_code == 200
    answer = await buyer.post(page, params=where, data={"decision": decision})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders")


async def payments_of(buyer: Person, order: Any) -> list[dict[str, Any]]:
    answer = await buyer.get("/api/payments", params={"orderId": order["id"]})
    payments: list[dict[str, Any]] = answer.json()
    return payments


async def test_a_buyer_confirms_with_the_bank_and_goes_away(market: Market) -> None:
    """Stripe's webhook comes through the ingress, and completes the order alone."""
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer("With care"))
    payment = await buyer.pay(order, CARD)
    assert payment.status_code == 202
    await buyer.sees_order(order, status="awaiting:payment")

    await decide(buyer, payment.json(), "approve")

    await buyer.sees_order(order, status="complete")
    await market.mail_to(buyer.email, "Receipt: With care")


async def test_a_buyer_who_tells_the_bank_no_pays_with_another_card(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer())
    payment = (await buyer.pay(order, CARD)).json()
    await decide(buyer, payment, "decline")

    async def failed() -> bool:
        return bool((await payments_of(buyer, order))[0]["status"] == "failed")

    await eventually(failed)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.sees_order(order, status="complete")


async def test_an_order_does_not_expire_under_a_buyer_who_is_with_the_bank(
    market: Market,
) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer())
    payment = (await buyer.pay(order, CARD)).json()
    ends = datetime.fromisoformat(order["expiresAt"])

    async def its_time_is_over() -> bool:
        mails = await market.mails_to(buyer.email)
        assert not any(mail["subject"].startswith("Cancelled") for mail in mails)
        return (datetime.now(UTC) - ends).total_seconds() > 1

    await eventually(its_time_is_over)
    await buyer.sees_order(order, status="awaiting:payment")
    await decide(buyer, payment, "approve")
    await buyer.sees_order(order, status="complete")


async def test_an_operator_gives_the_money_back(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    ticket = await seller.offer("Rained off")
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.sees_order(order, status="complete")

    refund = market.ticketing("payments", "refund", order["id"], "--reason", "it rains")
    assert "refunded" in refund.stdout
    again = market.ticketing("payments", "refund", order["id"], "--reason", "it rains")
    assert (again.returncode, again.stderr) == (1, "The payment is refunded\n")

    assert "it rains" in (await market.mail_to(buyer.email, "Refunded: Rained off"))["text"]
    [payment] = await payments_of(buyer, order)
    assert (payment["status"], payment["reason"]) == ("refunded", "it rains")
    await seller.sees_ticket(ticket, orderId=order["id"])
    assert "refunded" in market.ticketing("payments", "show", order["id"]).stdout


async def test_an_operator_compares_with_stripe(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer())
    await buyer.pay(order)
    await buyer.sees_order(order, status="complete")

    async def nothing_is_missed() -> bool:
        said = market.ticketing("payments", "reconcile", "--hours", "1").stdout
        return said == "No event was missed.\n"

    await eventually(nothing_is_missed)


def test_without_a_market_the_command_says_how_to_start_one(tmp_path: Any) -> None:
    command = [COMMAND, "payments", "show", "0" * 24, "--data", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "`ticketing up` starts one" in said.stderr
