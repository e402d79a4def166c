"""`python -m payments`: the operator command, in its own process."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from services.payments.tests.stand_in import run_stripe

from ticketing_common.events import PaymentCreated, PaymentRefunded
from ticketing_common.messaging import relay
from ticketing_testing import RunningService, new_id
from ticketing_testing.processes import environment_variables
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

UNREACHABLE = "http://127.0.0.1:1"

RunCommand = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture(scope="module")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new stand-in. Reconciliation would process the events of all other tests."""
    with run_stripe(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's relay publishes the events that the command leaves in the outbox quickly."""
    monkeypatch.setattr(relay, "SWEEP_SECONDS", 0.1)


@pytest.fixture
def run_command(settings: dict[str, Any]) -> RunCommand:
    """A function that runs the command with the service's settings. It returns exit status and
    output."""
    variables = {"PATH": os.environ["PATH"], **environment_variables(settings)}

    async def run(*arguments: str, **changes: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "payments", *arguments),
            env=variables | changes,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 2 * TIMEOUT_SECONDS)
        assert b"Traceback" not in output, output.decode()
        return process.returncode or 0, output.decode()

    return run


async def test_command_refund_refunds_an_order_once(
    payments: RunningService, purchase: Any, run_command: RunCommand, refunded_amounts: Any
) -> None:
    await purchase.pay()

    status, output = await run_command("refund", purchase.order.id, "--reason", "cancelled")
    assert status == 0
    assert "refunded" in output
    assert "25.00 USD" in output
    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "cancelled"

    status, output = await run_command("refund", purchase.order.id, "--reason", "once more")
    assert (status, output) == (1, "The payment is already refunded.\n")
    assert await refunded_amounts(purchase) == [2500]


@pytest.mark.usefixtures("payments")
async def test_command_refund_explains_why_it_fails(run_command: RunCommand) -> None:
    order = new_id()
    status, output = await run_command("refund", order, "--reason", "a reason")
    assert (status, output) == (1, f"There is no payment for the order {order}\n")


@pytest.mark.usefixtures("payments")
async def test_command_refund_of_disputed_payment_fails(
    purchase: Any, run_command: RunCommand
) -> None:
    """Stripe refuses it, also if its webhook about the dispute has not arrived."""
    await purchase.pay("pm_card_createDispute")

    status, output = await run_command("refund", purchase.order.id, "--reason", "a reason")

    assert status == 1
    assert "The refund is not made" in output


async def test_command_refund_is_made_later_while_stripe_is_unavailable(
    payments: RunningService, purchase: Any, run_command: RunCommand, poll_payments: Any
) -> None:
    await purchase.pay()
    status, output = await run_command(
        "refund", purchase.order.id, "--reason", "cancelled", STRIPE_API_BASE=UNREACHABLE
    )
    assert status == 0
    assert "Stripe is not available now" in output
    await poll_payments()
    await payments.bus.published(PaymentRefunded)


async def test_command_reconcile_processes_missed_events(
    payments: RunningService, purchase: Any, run_command: RunCommand, stripe: StripeStandInClient
) -> None:
    await purchase.pay("pm_card_threeDSecure2Required")
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    status, output = await run_command("reconcile", "--hours", "1")
    assert status == 0
    assert f"payment_intent.succeeded  {waiting['stripeId']}" in output
    await payments.bus.published(PaymentCreated)
    assert await run_command("reconcile", "--hours", "1") == (0, "No event was missed.\n")


@pytest.mark.usefixtures("payments")
async def test_command_reconcile_fails_while_stripe_is_unavailable(
    run_command: RunCommand,
) -> None:
    status, output = await run_command("reconcile", STRIPE_API_BASE=UNREACHABLE)
    assert status == 1
    assert "Stripe is not available" in output
    assert "try again later" in output


async def test_command_show_prints_every_attempt(purchase: Any, run_command: RunCommand) -> None:
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay()
    (status, output), unknown = await asyncio.gather(
        run_command("show", purchase.order.id), run_command("show", new_id())
    )
    paid, declined = output.splitlines()
    assert status == 0
    assert "succeeded" in paid
    assert "failed" in declined
    assert "Your card was declined." in declined
    assert unknown[0] == 1
    assert "no payment" in unknown[1]
