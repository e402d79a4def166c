"""Disputes: recorded until they are closed, and their effect on a refund."""

from typing import Any

import pytest

from payments.domain.documents import CHARGED_BACK, Payment
from payments.domain.refunds import refund_order
from payments.errors import NotRefundable
from ticketing_common.events import PaymentRefunded
from ticketing_testing import RunningService, eventually
from ticketing_testing.standins import StripeStandInClient

DISPUTED_CARD = "pm_card_createDispute"


async def dispute_of(stripe: StripeStandInClient, purchase: Any) -> str:
    """Return the dispute of the order's charge."""
    intent = (await purchase.payments())[0]["stripeId"]
    disputes = (await stripe.get("/v1/disputes", limit=100))["data"]
    [dispute] = [each for each in disputes if each["payment_intent"] == intent]
    dispute_id: str = dispute["id"]
    return dispute_id


async def problem_of(purchase: Any) -> str | None:
    payment: Payment = await purchase.payment()
    return payment.problem


async def test_dispute_prevents_a_refund_until_it_is_won(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    poll_payments: Any,
) -> None:
    await purchase.pay(DISPUTED_CARD)
    await poll_payments()
    await cancel_order(purchase)

    assert await eventually(lambda: problem_of(purchase))
    assert await purchase.statuses() == ["refund-pending"]
    await stripe.set_outcome("disputes", await dispute_of(stripe, purchase), "won")

    await payments.bus.published(PaymentRefunded)
    assert await problem_of(purchase) is None


@pytest.mark.usefixtures("payments", "webhooks")
async def test_dispute_that_is_lost_ends_a_refund_that_is_pending(
    purchase: Any, stripe: StripeStandInClient, cancel_order: Any, poll_payments: Any
) -> None:
    await purchase.pay(DISPUTED_CARD)
    await poll_payments()
    await cancel_order(purchase)
    await stripe.set_outcome("disputes", await dispute_of(stripe, purchase), "lost")

    async def is_charged_back_without_polls() -> bool:
        payment = await purchase.payment()
        return payment.charged_back and payment.next_poll_at is None

    await eventually(is_charged_back_without_polls)
    assert (await purchase.payment()).problem is None
    [payment] = await purchase.payments()
    assert (payment["status"], payment["reason"]) == ("charged-back", CHARGED_BACK)


@pytest.mark.usefixtures("webhooks", "payments")
async def test_dispute_that_is_lost_leaves_nothing_to_refund(
    purchase: Any, stripe: StripeStandInClient, cancel_order: Any
) -> None:
    await purchase.pay(DISPUTED_CARD)
    await stripe.set_outcome("disputes", await dispute_of(stripe, purchase), "lost")

    async def is_charged_back() -> bool:
        return bool((await purchase.payment()).charged_back)

    await eventually(is_charged_back)
    assert await purchase.statuses() == ["succeeded"]
    await cancel_order(purchase)
    assert await purchase.statuses() == ["charged-back"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"disputed": True}, "disputes the payment"),
        ({"charged_back": True}, "taken the money back"),
        ({"status": "charged-back"}, "taken the money back"),
        ({"status": "refund-pending"}, "in progress"),
        ({"status": "refunded"}, "already refunded"),
        ({"status": "needs-confirmation"}, "Nothing is charged yet"),
        ({"status": "started"}, "Nothing is charged yet"),
        ({"status": "failed"}, "Nothing was paid"),
    ],
)
async def test_refund_by_an_operator_is_refused_with_a_reason(
    purchase: Any, fields: dict[str, Any], reason: str
) -> None:
    await purchase.pay()
    payment = await purchase.payment()
    await Payment.get_pymongo_collection().update_one({"_id": payment.id}, {"$set": fields})

    with pytest.raises(NotRefundable, match=reason):
        await refund_order(purchase.order.id, "a reason")

    assert (await purchase.payment()).status == fields.get("status", "succeeded")


@pytest.mark.usefixtures("webhooks")
async def test_inquiry_can_be_refunded(
    payments: RunningService, purchase: Any, refunded_amounts: Any
) -> None:
    await purchase.pay("pm_card_createDisputeInquiry")

    async def is_disputed() -> bool:
        return bool((await purchase.payment()).disputed)

    await eventually(is_disputed)
    await refund_order(purchase.order.id, "a reason")

    await payments.bus.published(PaymentRefunded)
    assert await refunded_amounts(purchase) == [2500]


async def test_dispute_whose_end_arrives_before_its_beginning_is_closed(
    purchase: Any, stripe: StripeStandInClient, post_event: Any, latest_event: Any
) -> None:
    """Reconciliation processes the newest event first."""
    await purchase.pay(DISPUTED_CARD)
    (dispute,) = (await stripe.get("/v1/disputes", limit=1))["data"]
    await stripe.set_outcome("disputes", dispute["id"], "lost")

    for change in ("closed", "created"):
        event = await latest_event(f"charge.dispute.{change}")
        assert (await post_event(event)).status_code == 200

    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert not payment.disputed


async def test_dispute_is_recorded_until_it_is_closed(
    purchase: Any,
    stripe: StripeStandInClient,
    post_event: Any,
    events_of: Any,
    latest_event: Any,
) -> None:
    await purchase.pay(DISPUTED_CARD)
    (dispute,) = (await stripe.get("/v1/disputes", limit=1))["data"]
    for event in await events_of(purchase, "charge.dispute.created"):
        await post_event(event)
    await post_event(await latest_event("charge.dispute.created"))
    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert payment.disputed

    await stripe.set_outcome("disputes", dispute["id"], "won")
    await post_event(await latest_event("charge.dispute.closed"))
    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert not payment.disputed
