"""Charges of another amount or currency: the order is not completed, the money goes back."""

from typing import Any

import httpx
import pytest

from payments.domain.documents import Payment
from ticketing_common.events import OrderOverdue, PaymentCreated, PaymentMissed, PaymentRefunded
from ticketing_testing import RunningService, eventually, new_event
from ticketing_testing.standins import StripeStandInClient

CARD = "pm_card_threeDSecure2Required"


async def test_charge_of_another_amount_is_refunded_in_full(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    refunded_amounts: Any,
    poll_payments: Any,
    publish: Any,
) -> None:
    await purchase.pay(CARD)
    payment = await purchase.payment()
    await _set_amount(payment, 9900)

    await stripe.set_outcome("payment_intents", payment.stripe_id, "succeed")
    await poll_payments()
    refunded = await payments.bus.published(PaymentRefunded)

    assert [event.order_id for event in refunded] == [purchase.order.id]
    assert await refunded_amounts(purchase) == [2500]
    assert await purchase.statuses() == ["refunded"]
    assert await payments.bus.published(PaymentCreated, 0) == []
    # The order is unpaid, so it ends when its time is over.
    await publish(new_event(OrderOverdue, id=purchase.order.id, version=1))
    assert [event.order_id for event in await payments.bus.published(PaymentMissed)] == [
        purchase.order.id
    ]


async def test_charge_of_another_amount_is_counted(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, poll_payments: Any
) -> None:
    client = await payments.client()
    before = await _wrong_charges(client)
    await purchase.pay(CARD)
    payment = await purchase.payment()
    await _set_amount(payment, 2400)

    await stripe.set_outcome("payment_intents", payment.stripe_id, "succeed")
    await poll_payments()
    await payments.bus.published(PaymentRefunded)

    assert await _wrong_charges(client) == before + 1


@pytest.mark.parametrize("difference", [{"amount_received": 1}, {"currency": "jpy"}])
async def test_webhook_with_another_charge_only_asks_stripe(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    post_event: Any,
    difference: dict[str, Any],
) -> None:
    await purchase.pay(CARD)
    payment = await purchase.payment()
    charge = {"amount_received": 2500, "currency": "usd", **difference}
    intent = {"id": payment.stripe_id, "object": "payment_intent", "status": "succeeded", **charge}
    event = {"id": "evt_forged", "type": "payment_intent.succeeded", "data": {"object": intent}}

    assert (await post_event(event)).status_code == 200

    async def was_polled() -> bool:
        return bool((await purchase.payment()).polls)

    await eventually(was_polled)
    assert await purchase.statuses() == ["needs-confirmation"]
    assert await payments.bus.published(PaymentCreated, 0) == []


async def _set_amount(payment: Payment, amount: int) -> None:
    """Change the amount that a payment expects, as if Stripe had charged another one."""
    await Payment.get_pymongo_collection().update_one(
        {"_id": payment.id}, {"$set": {"amount": amount}}
    )


async def _wrong_charges(client: httpx.AsyncClient) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("wrong_charges_total ")]
    return float(value)
