"""`python -m payments`: what an operator does, in a process of its own."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ticketing_common.events import PaymentCreated, PaymentRefunded
from ticketing_testing import RunningService, new_id
from ticketing_testing.processes import environment_variables
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(settings: dict[str, Any]) -> Run:
    """Runs the command with the service's settings; its exit status and what it said."""
    env = {"PATH": os.environ["PATH"], **environment_variables(settings)}

    async def command(*words: str, **changes: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "payments", *words),
            env=env | changes,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 2 * TIMEOUT_SECONDS)
        assert b"Traceback" not in said, said.decode()
        return process.returncode or 0, said.decode()

    return command


async def test_an_operator_refunds_an_order_once(
    payments: RunningService, purchase: Any, run: Run, given_back: Any
) -> None:
    await purchase.pay()

    status, said = await run("refund", purchase.order.id, "--reason", "the concert is off")
    assert status == 0
    assert "refunded" in said
    assert "25 usd" in said
    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "the concert is off"

    status, said = await run("refund", purchase.order.id, "--reason", "once more")
    assert (status, said) == (1, "The payment is refunded\n")
    assert await given_back(purchase) == [2500]


@pytest.mark.usefixtures("payments")
async def test_what_cannot_be_refunded_is_said_in_words(run: Run) -> None:
    order = new_id()
    status, said = await run("refund", order, "--reason", "why not")
    assert (status, said) == (1, f"There is no payment for an order {order}\n")
    assert (await run("refund", order))[0] == 2
    assert (await run())[0] == 2


async def test_a_refund_while_stripe_is_away_is_made_later(
    payments: RunningService, purchase: Any, run: Run, stripe: StripeStandInClient, later: Any
) -> None:
    await purchase.pay()
    status, said = await run(
        "refund", purchase.order.id, "--reason", "off", STRIPE_API_BASE="http://127.0.0.1:1"
    )
    assert status == 0
    assert "Stripe does not answer now" in said
    await later()
    await payments.bus.published(PaymentRefunded)


async def test_an_operator_reconciles(
    payments: RunningService, purchase: Any, run: Run, stripe: StripeStandInClient
) -> None:
    await purchase.pay("pm_card_threeDSecure2Required")
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    status, said = await run("reconcile", "--hours", "1")
    assert status == 0
    assert f"payment_intent.succeeded  {waiting['stripeId']}" in said
    await payments.bus.published(PaymentCreated)
    assert (await run("reconcile", "--hours", "1")) == (0, "No event was missed.\n")


@pytest.mark.usefixtures("payments")
async def test_to_reconcile_while_stripe_is_away_fails_and_says_what_to_do(run: Run) -> None:
    status, said = await run("reconcile", STRIPE_API_BASE="http://127.0.0.1:1")
    assert status == 1
    assert "Stripe does not answer" in said
    assert "try again later" in said


async def test_an_operator_sees_how_an_order_was_paid(purchase: Any, run: Run) -> None:
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay()
    status, said = await run("show", purchase.order.id)
    paid, declined = said.splitlines()
    assert status == 0
    assert "succeeded" in paid
    assert "failed" in declined
    assert "Your card was declined." in declined
    assert "no payment" in (await run("show", new_id()))[1]
