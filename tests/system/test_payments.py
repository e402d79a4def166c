"""Payments: confirmation at the bank, refunds and reconciliation."""

import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.system.stack import COMMAND, Browser, RunningStack

from ticketing_testing import eventually

pytestmark = pytest.mark.xdist_group("stack")

CARD = "pm_card_threeDSecure2Required"


async def decide_at_bank(buyer: Browser, payment: Any, decision: str) -> None:
    """Approve or decline on the page of the bank, which leads back to the website."""
    page = "/dev/stripe/authenticate"
    params = {"client_secret": payment["clientSecret"], "return_url": "/orders"}
    opened = await buyer.get(page, params=params)
    assert opened.status_code == 200
    response = await buyer.post(page, params=params, data={"decision": decision})
    assert (response.status_code, response.headers["Location"]) == (303, "/orders")


async def payments_of(buyer: Browser, order: Any) -> list[dict[str, Any]]:
    response = await buyer.get("/api/payments", params={"orderId": order["id"]})
    payments: list[dict[str, Any]] = response.json()
    return payments


async def test_confirmed_payment_completes_the_order_without_the_browser(
    stack: RunningStack,
) -> None:
    """Stripe's webhook alone, through the ingress, completes the order."""
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket("With care"))
    payment = await buyer.pay(order, CARD)
    assert payment.status_code == 202
    await buyer.wait_for_order(order, status="awaiting:payment")

    await decide_at_bank(buyer, payment.json(), "approve")

    await buyer.wait_for_order(order, status="complete")
    await stack.wait_for_mail(buyer.email, "Receipt: With care")


async def test_buyer_can_pay_with_another_card_after_declining_at_the_bank(
    stack: RunningStack,
) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket())
    payment = (await buyer.pay(order, CARD)).json()
    await decide_at_bank(buyer, payment, "decline")

    async def has_failed() -> bool:
        return bool((await payments_of(buyer, order))[0]["status"] == "failed")

    await eventually(has_failed)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.wait_for_order(order, status="complete")


async def test_order_does_not_expire_during_confirmation(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket())
    payment = (await buyer.pay(order, CARD)).json()
    ends = datetime.fromisoformat(order["expiresAt"])

    async def is_past_its_end() -> bool:
        mails = await stack.mails_to(buyer.email)
        assert not any(mail["subject"].startswith("Cancelled") for mail in mails)
        return (datetime.now(UTC) - ends).total_seconds() > 1

    await eventually(is_past_its_end)
    await buyer.wait_for_order(order, status="awaiting:payment")
    await decide_at_bank(buyer, payment, "approve")
    await buyer.wait_for_order(order, status="complete")


async def test_operator_refunds_an_order_once(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    ticket = await seller.list_ticket("Rained off")
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.wait_for_order(order, status="complete")

    refund = stack.run_command("payments", "refund", order["id"], "--reason", "it rains")
    assert "refunded" in refund.stdout
    again = stack.run_command("payments", "refund", order["id"], "--reason", "it rains")
    assert (again.returncode, again.stderr) == (1, "The payment is already refunded.\n")

    assert "it rains" in (await stack.wait_for_mail(buyer.email, "Refunded: Rained off"))["text"]
    [payment] = await payments_of(buyer, order)
    assert (payment["status"], payment["reason"]) == ("refunded", "it rains")
    await seller.wait_for_ticket(ticket, orderId=order["id"])
    assert "refunded" in stack.run_command("payments", "show", order["id"]).stdout


async def test_operator_reconciles_with_stripe(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket())
    await buyer.pay(order)
    await buyer.wait_for_order(order, status="complete")

    async def is_reconciled() -> bool:
        output = stack.run_command("payments", "reconcile", "--hours", "1").stdout
        return output == "No event was missed.\n"

    await eventually(is_reconciled)


def test_command_without_a_stack_names_the_start_command(tmp_path: Any) -> None:
    command = [COMMAND, "payments", "show", "0" * 24, "--data", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Start one with `ticketing up`." in result.stderr
