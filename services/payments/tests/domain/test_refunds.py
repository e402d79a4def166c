"""Refunds: in full, once, and with a reason for the buyer."""

import asyncio
from typing import Any

import httpx
import pytest
from services.payments.tests.responses import assert_payment_unknown, error_of

from payments.domain.documents import Payment
from payments.domain.polling import request_poll
from payments.domain.refunds import refund_order
from payments.errors import NotRefundable
from ticketing_common.errors import NotFound
from ticketing_common.events import PaymentCreated, PaymentRefunded
from ticketing_testing import RunningService, eventually, new_id
from ticketing_testing.standins import StripeStandInClient

REFUND = {"path": "/v1/refunds", "method": "POST"}
CONFIRMATION = {"path": "/v1/payment_intents/", "method": "POST"}


async def has_statuses(purchase: Any, *statuses: str) -> bool:
    return bool(await purchase.statuses() == [*statuses])


async def refunds_of(stripe: StripeStandInClient, purchase: Any) -> list[dict[str, Any]]:
    """Return the refunds at Stripe that payments made for an order."""
    refunds = (await stripe.get("/v1/refunds", limit=100))["data"]
    return [refund for refund in refunds if refund["metadata"].get("order_id") == purchase.order.id]


async def refund_at_stripe(
    stripe_api: httpx.AsyncClient, intent: str | None, **fields: str
) -> None:
    """Refund an intent as an operator in Stripe's dashboard."""
    response = await stripe_api.post("/v1/refunds", data={"payment_intent": intent, **fields})
    response.raise_for_status()


async def confirm_at_stripe(stripe_api: httpx.AsyncClient, intent: str) -> None:
    """Charge an intent by hand, as only the holder of Stripe's key can."""
    path = f"/v1/payment_intents/{intent}/confirm"
    response = await stripe_api.post(path, data={"payment_method": "pm_card_visa"})
    response.raise_for_status()


async def poll(payment_id: str) -> None:
    """Poll Stripe for a payment at once."""
    payment = await Payment.get(payment_id)
    assert payment is not None
    await request_poll(payment.id)


async def test_refunds_do_not_touch_a_paid_order(
    payments: RunningService, purchase: Any, refunded_amounts: Any, poll_payments: Any
) -> None:
    await purchase.pay()
    await poll_payments()
    assert await refunded_amounts(purchase) == []
    assert await payments.bus.published(PaymentRefunded, 0) == []


async def test_refunds_wait_while_stripe_is_unavailable_and_are_made_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    refunded_amounts: Any,
    poll_payments: Any,
) -> None:
    await purchase.pay()
    await poll_payments()  # from now on, polls follow one another quickly
    await stripe.add_fault("drop", times=4, **REFUND)
    await stripe.add_fault("drop", times=2, when="after", **REFUND)
    await stripe.add_fault("error", status=500, when="during", **REFUND)
    await cancel_order(purchase)

    await payments.bus.published(PaymentRefunded)

    assert await refunded_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentRefunded)) == 1


@pytest.mark.usefixtures("webhooks")
async def test_refunds_are_published_when_stripe_has_made_them(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, cancel_order: Any
) -> None:
    await purchase.pay("pm_card_pendingRefund")
    await cancel_order(purchase)
    await eventually(lambda: refunds_of(stripe, purchase))
    assert await purchase.statuses() == ["refund-pending"]
    assert await payments.bus.published(PaymentRefunded, 0) == []

    (refund,) = await refunds_of(stripe, purchase)
    await stripe.set_outcome("refunds", refund["id"], "succeed")

    await payments.bus.published(PaymentRefunded)
    assert await purchase.statuses() == ["refunded"]


@pytest.mark.usefixtures("webhooks")
async def test_refunds_returned_by_the_bank_are_repeated_only_by_an_operator(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    poll_payments: Any,
) -> None:
    await purchase.pay("pm_card_refundFail")
    await poll_payments()
    await cancel_order(purchase)
    await payments.bus.published(PaymentRefunded)
    (refund,) = await refunds_of(stripe, purchase)
    await stripe.set_outcome("refunds", refund["id"], "fail")

    async def problem() -> str | None:
        payment: Payment = await purchase.payment()
        return payment.problem

    assert "bank returned the refund" in (await eventually(problem) or "")
    assert await purchase.statuses() == ["refund-pending"]
    assert len(await refunds_of(stripe, purchase)) == 1

    await refund_order(purchase.order.id, "second attempt")

    async def has_two_refunds() -> bool:
        return len(await refunds_of(stripe, purchase)) == 2

    await eventually(has_two_refunds)


@pytest.mark.usefixtures("webhooks")
async def test_refunds_made_at_stripe_are_recorded_and_published(
    payments: RunningService,
    purchase: Any,
    stripe_api: httpx.AsyncClient,
    wait_until_delivered: Any,
) -> None:
    paid = (await purchase.pay()).json()
    await refund_at_stripe(stripe_api, paid["stripeId"], amount="1000")
    await wait_until_delivered()
    assert await purchase.statuses() == ["succeeded"]
    await refund_at_stripe(stripe_api, paid["stripeId"])

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "refunded by the marketplace"


async def test_refunds_by_an_operator_cover_the_rest_and_no_more(
    payments: RunningService, purchase: Any, stripe_api: httpx.AsyncClient, refunded_amounts: Any
) -> None:
    paid = (await purchase.pay()).json()
    await refund_at_stripe(stripe_api, paid["stripeId"], amount="1000")

    await refund_order(purchase.order.id, "the concert is off")

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "the concert is off"
    assert await refunded_amounts(purchase) == [1500]


async def test_refunds_accept_a_reason_longer_than_stripes_metadata(
    payments: RunningService, purchase: Any, refunded_amounts: Any
) -> None:
    await purchase.pay()
    reason = "the concert is off, " * 30

    await refund_order(purchase.order.id, reason)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == reason
    assert await refunded_amounts(purchase) == [2500]


async def test_refunds_made_before_the_charge_was_known_are_recorded(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    stripe_api: httpx.AsyncClient,
    charged_amounts: Any,
    poll_payments: Any,
) -> None:
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMATION)
    assert_payment_unknown(await purchase.pay())
    assert await charged_amounts(purchase) == [2500]
    await refund_at_stripe(stripe_api, (await purchase.payment()).stripe_id)

    await poll_payments()

    await payments.bus.published(PaymentRefunded)
    assert await purchase.statuses() == ["refunded"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_refunds_by_many_operators_at_once_are_made_once(
    payments: RunningService, purchase: Any, refunded_amounts: Any
) -> None:
    await purchase.pay()

    results = await asyncio.gather(
        *(refund_order(purchase.order.id, "the concert is off") for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, Payment) for result in results) == 1
    await payments.bus.published(PaymentRefunded)
    assert await refunded_amounts(purchase) == [2500]


@pytest.mark.usefixtures("payments")
async def test_refunds_of_unpaid_or_refunded_orders_are_refused(purchase: Any) -> None:
    with pytest.raises(NotFound) as unknown:
        await refund_order(new_id(), "a reason")
    assert unknown.value.code == "not_found"
    assert error_of(await purchase.pay("tok_chargeDeclined"))[:2] == (402, "payment_declined")
    with pytest.raises(NotRefundable) as unpaid:
        await refund_order(purchase.order.id, "a reason")
    assert unpaid.value.code == "not_refundable"
    await purchase.pay()
    await refund_order(purchase.order.id, "the concert is off")
    with pytest.raises(NotRefundable):
        await refund_order(purchase.order.id, "second attempt")


async def test_refunds_cover_a_second_charge_of_a_paid_order(
    payments: RunningService,
    purchase: Any,
    stripe_api: httpx.AsyncClient,
    charged_amounts: Any,
    refunded_amounts: Any,
) -> None:
    """It takes an operator at Stripe, who charges the intent of a failed attempt by hand."""
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay()
    (_, failed) = await purchase.payments()
    await confirm_at_stripe(stripe_api, failed["stripeId"])
    assert await charged_amounts(purchase) == [2500, 2500]

    await poll(failed["id"])

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "the order had been paid already"
    assert await refunded_amounts(purchase) == [2500]
    assert await purchase.statuses() == ["succeeded", "refunded"]


@pytest.mark.usefixtures("payments")
async def test_refunds_by_an_operator_skip_an_attempt_that_is_refunded(
    purchase: Any,
    stripe: StripeStandInClient,
    stripe_api: httpx.AsyncClient,
    refunded_amounts: Any,
) -> None:
    """The first attempt is charged by hand while the second one awaits confirmation."""
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay("pm_card_threeDSecure2Required")
    (waiting, failed) = await purchase.payments()
    await confirm_at_stripe(stripe_api, failed["stripeId"])
    await poll(failed["id"])
    await eventually(lambda: has_statuses(purchase, "needs-confirmation", "succeeded"))
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    await poll(waiting["id"])
    await eventually(lambda: has_statuses(purchase, "refunded", "succeeded"))

    await refund_order(purchase.order.id, "the concert is off")

    await eventually(lambda: has_statuses(purchase, "refunded", "refunded"))
    assert await refunded_amounts(purchase) == [2500, 2500]
