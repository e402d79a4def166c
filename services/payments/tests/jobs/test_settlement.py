"""Settlement: a charge whose response was lost, slow or an error is found and published once."""

import asyncio
from typing import Any

import pytest
from services.payments.tests.interleaving import pause_after
from services.payments.tests.responses import assert_payment_unknown, error_of

from payments.domain.documents import Payment
from payments.stripe.client import StripeClient
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentStarted
from ticketing_testing import RunningService, eventually
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CONFIRMATION = {"path": "/v1/payment_intents/", "method": "POST"}
"""The call that charges."""


async def no_payment_started() -> bool:
    return await Payment.find({"status": "started"}).count() == 0


async def test_settlement_finds_a_charge_whose_response_was_lost(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMATION)

    assert_payment_unknown(await purchase.pay())
    assert await charged_amounts(purchase) == [2500]
    assert await payments.bus.published(PaymentCreated, 0) == []
    await poll_payments()

    (created,) = await payments.bus.published(PaymentCreated)
    assert created.order_id == purchase.order.id
    assert await charged_amounts(purchase) == [2500]
    (payment,) = await Payment.find_all().to_list()
    assert (payment.token, payment.stripe_id) == (None, created.stripe_id)
    error = error_of(await purchase.pay())
    assert error == (400, "order_paid", "The order is paid already")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 503, "when": "after", **CONFIRMATION},
        {"kind": "error", "status": 429},
        {"kind": "error", "status": 401},
    ],
    ids=str,
)
async def test_settlement_makes_one_charge_after_any_fault_of_stripe(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    poll_payments: Any,
    fault: dict[str, Any],
) -> None:
    await stripe.add_fault(**fault, times=4)

    assert_payment_unknown(await purchase.pay())
    await poll_payments()
    await payments.bus.published(PaymentCreated)
    await eventually(no_payment_started)

    assert await charged_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert len(await payments.bus.published(PaymentStarted)) == 1


async def test_settlement_of_a_late_decline_allows_another_card(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("drop", times=2)
    assert_payment_unknown(await purchase.pay("tok_chargeDeclined"))
    await poll_payments()
    await payments.bus.published(PaymentFailed)

    assert (await purchase.pay("tok_visa")).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_settlement_fails_an_intent_whose_error_stripe_keeps_under_its_key(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged_amounts: Any
) -> None:
    """Stripe repeats the 500 for the same key for a day: only another attempt can charge."""
    await stripe.add_fault("error", status=500, when="during")

    assert error_of(await purchase.pay())[:2] == (402, "payment_declined")
    assert len(await payments.bus.published(PaymentFailed)) == 1
    assert (await purchase.pay()).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_settlement_repeats_a_confirmation_whose_error_stripe_keeps_under_another_key(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("error", status=500, when="during", **CONFIRMATION)

    assert_payment_unknown(await purchase.pay())
    await poll_payments()

    await payments.bus.published(PaymentCreated)
    assert await charged_amounts(purchase) == [2500]


async def test_settlement_creates_no_intent_after_the_end_of_the_time(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    end_payment_time: Any,
) -> None:
    await stripe.add_fault("drop", times=2)
    assert_payment_unknown(await purchase.pay())
    await end_payment_time()

    await payments.bus.published(PaymentFailed)

    assert await charged_amounts(purchase) == []


async def test_settlement_cancels_an_unconfirmed_intent_after_the_end_of_the_time(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    end_payment_time: Any,
) -> None:
    await stripe.add_fault("drop", times=2, **CONFIRMATION)
    assert_payment_unknown(await purchase.pay())
    await end_payment_time()

    await payments.bus.published(PaymentFailed)

    (payment,) = await Payment.find_all().to_list()
    assert (await stripe.get(f"/v1/payment_intents/{payment.stripe_id}"))["status"] == "canceled"
    assert await charged_amounts(purchase) == []


async def test_settlement_keeps_a_charge_that_is_found_after_the_end_of_the_time(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    end_payment_time: Any,
) -> None:
    """The order is still open: orders does not cancel it while a payment is in progress."""
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMATION)
    assert_payment_unknown(await purchase.pay())
    await end_payment_time()

    (created,) = await payments.bus.published(PaymentCreated)

    assert created.order_id == purchase.order.id
    assert await charged_amounts(purchase) == [2500]


async def test_settlement_publishes_once_if_a_sweep_polls_during_a_slow_request(
    payments: RunningService,
    purchase: Any,
    charged_amounts: Any,
    poll_payments: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pause_after(monkeypatch, StripeClient, "confirm_intent") as paused:
        paying = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)
        await poll_payments()
        await eventually(no_payment_started)

    assert (await paying).status_code == 201
    assert await charged_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1
