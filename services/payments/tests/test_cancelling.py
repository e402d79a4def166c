"""An order is cancelled while it is being paid: nothing is charged, or all is given back."""

import asyncio
from typing import Any

import pytest
from services.payments.tests.transactions import held_open

from payments.domain import rules
from payments.stripe.client import Gateway
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentRefunded
from ticketing_testing import RunningService, eventually
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CONFIRMING = {"path": "/v1/payment_intents/", "method": "POST"}


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("cancelled-by-buyer", "you cancelled the order"),
        ("expired", "the order's time was over before the payment arrived"),
        ("ticket-gone", "the seller took the ticket off the market"),
    ],
)
async def test_an_order_that_is_cancelled_after_it_was_paid_is_refunded_and_the_buyer_told_why(
    payments: RunningService,
    purchase: Any,
    cancel: Any,
    charged: Any,
    given_back: Any,
    reason: str,
    why: str,
) -> None:
    paid = (await purchase.pay()).json()

    await cancel(purchase, reason)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert (refunded.id, refunded.order_id) == (paid["id"], purchase.order.id)
    assert (refunded.stripe_id, refunded.reason) == (paid["stripeId"], why)
    assert await given_back(purchase) == await charged(purchase) == [2500]
    (shown,) = await purchase.payments()
    assert (shown["status"], shown["reason"]) == ("refunded", why)


async def test_a_charge_that_comes_after_the_cancellation_is_refunded_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel: Any,
    charged: Any,
    given_back: Any,
    later: Any,
) -> None:
    """The answer of the charge was lost, and meanwhile the order is over."""
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMING)
    assert (await purchase.pay()).status_code == 503
    await cancel(purchase)
    await later()

    (refunded,) = await payments.bus.published(PaymentRefunded)

    assert "time was over" in refunded.reason
    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await given_back(purchase) == await charged(purchase) == [2500]
    refusal = await purchase.pay()
    assert refusal.status_code == 400


async def test_a_charge_that_is_answered_after_the_cancellation_says_that_the_money_is_back(
    payments: RunningService,
    purchase: Any,
    cancel: Any,
    given_back: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with held_open(monkeypatch, Gateway, "confirm") as there:
        paying = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)
        await cancel(purchase, "cancelled-by-buyer")

    answer = await paying

    assert answer.status_code == 400
    assert "you cancelled the order" in answer.json()["errors"][0]["message"]
    await payments.bus.published(PaymentRefunded)
    assert await given_back(purchase) == [2500]


async def test_an_order_that_is_cancelled_before_the_bank_is_asked_is_never_charged(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel: Any,
    charged: Any,
    later: Any,
) -> None:
    await stripe.add_fault("drop", times=2, **CONFIRMING)
    assert (await purchase.pay()).status_code == 503
    await cancel(purchase)
    await later()

    await payments.bus.published(PaymentFailed)

    assert await charged(purchase) == []
    payment = await purchase.payment()
    assert (await stripe.get(f"/v1/payment_intents/{payment.stripe_id}"))["status"] == "canceled"


@pytest.mark.parametrize("first", ["the charge", "the cancellation"])
async def test_a_charge_and_a_cancellation_at_the_same_moment_see_each_other(
    payments: RunningService,
    purchase: Any,
    cancel: Any,
    charged: Any,
    given_back: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    """Each has read what the other is about to change; whoever commits second does it anew."""
    name = "_succeed" if first == "the charge" else "end_with"
    async with held_open(monkeypatch, rules, name) as there:
        if first == "the charge":
            earlier = asyncio.create_task(purchase.pay())
            await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)
            later_one = asyncio.create_task(cancel(purchase))
        else:
            earlier = asyncio.create_task(cancel(purchase))
            await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)
            later_one = asyncio.create_task(purchase.pay())
        await eventually(lambda: charged(purchase))
    await asyncio.gather(earlier, later_one)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.order_id == purchase.order.id
    assert await given_back(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1
