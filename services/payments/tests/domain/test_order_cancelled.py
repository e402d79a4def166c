"""OrderCancelled during a payment: nothing is charged, or everything is refunded."""

import asyncio
from typing import Any

import pytest
from services.payments.tests.interleaving import pause_after
from services.payments.tests.responses import assert_payment_unknown, error_of

from payments.domain import order_end, outcomes
from payments.stripe.client import StripeClient
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentRefunded
from ticketing_testing import RunningService, eventually
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CONFIRMATION = {"path": "/v1/payment_intents/", "method": "POST"}


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("cancelled-by-buyer", "you cancelled the order"),
        ("expired", "the order had expired before the payment arrived"),
        ("ticket-gone", "the seller withdrew the ticket"),
    ],
)
async def test_order_cancelled_after_the_payment_refunds_with_the_reason(
    payments: RunningService,
    purchase: Any,
    cancel_order: Any,
    charged_amounts: Any,
    refunded_amounts: Any,
    reason: str,
    text: str,
) -> None:
    paid = (await purchase.pay()).json()

    await cancel_order(purchase, reason)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert (refunded.id, refunded.order_id) == (paid["id"], purchase.order.id)
    assert (refunded.stripe_id, refunded.reason) == (paid["stripeId"], text)
    assert await refunded_amounts(purchase) == await charged_amounts(purchase) == [2500]
    (attempt,) = await purchase.payments()
    assert (attempt["status"], attempt["reason"]) == ("refunded", text)


async def test_order_cancelled_before_a_lost_charge_is_found_refunds_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    charged_amounts: Any,
    refunded_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMATION)
    assert_payment_unknown(await purchase.pay())
    await cancel_order(purchase)
    await poll_payments()

    (refunded,) = await payments.bus.published(PaymentRefunded)

    assert "had expired" in refunded.reason
    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await refunded_amounts(purchase) == await charged_amounts(purchase) == [2500]
    assert error_of(await purchase.pay())[:2] == (400, "order_cancelled")


async def test_order_cancelled_during_the_charge_returns_that_it_is_refunded(
    payments: RunningService,
    purchase: Any,
    cancel_order: Any,
    refunded_amounts: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pause_after(monkeypatch, StripeClient, "confirm_intent") as paused:
        paying = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)
        await cancel_order(purchase, "cancelled-by-buyer")

    status, code, message = error_of(await paying)

    assert (status, code) == (400, "payment_refunded")
    assert "you cancelled the order" in message
    await payments.bus.published(PaymentRefunded)
    assert await refunded_amounts(purchase) == [2500]


async def test_order_cancelled_before_the_confirmation_is_never_charged(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    charged_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("drop", times=2, **CONFIRMATION)
    assert_payment_unknown(await purchase.pay())
    await cancel_order(purchase)
    await poll_payments()

    await payments.bus.published(PaymentFailed)

    assert await charged_amounts(purchase) == []
    payment = await purchase.payment()
    assert (await stripe.get(f"/v1/payment_intents/{payment.stripe_id}"))["status"] == "canceled"


@pytest.mark.parametrize("first", ["charge", "cancellation"])
async def test_order_cancelled_at_the_same_time_as_the_charge_is_refunded(
    payments: RunningService,
    purchase: Any,
    cancel_order: Any,
    charged_amounts: Any,
    refunded_amounts: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    """Each transaction reads a document that the other one changes, so the second one reruns."""
    owner = (outcomes, "_succeed") if first == "charge" else (order_end, "refund_or_cancel")
    async with pause_after(monkeypatch, *owner) as paused:
        if first == "charge":
            earlier = asyncio.create_task(purchase.pay())
            await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)
            later = asyncio.create_task(cancel_order(purchase))
        else:
            earlier = asyncio.create_task(cancel_order(purchase))
            await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)
            later = asyncio.create_task(purchase.pay())
        await eventually(lambda: charged_amounts(purchase))
    await asyncio.gather(earlier, later)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.order_id == purchase.order.id
    assert await refunded_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1
