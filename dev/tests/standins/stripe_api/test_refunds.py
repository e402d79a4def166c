"""Refunds: limits, reasons and changes of status."""

from typing import Any

import httpx
import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


async def test_refunds_in_parts_cannot_exceed_the_charge(client: Any, pay: Pay) -> None:
    """REFUND: parts until all is refunded; more than is left raises an error."""
    refunds = client.v1.refunds
    intent = await pay("pm_card_visa")
    part = await refunds.create_async({"payment_intent": intent.id, "amount": 500})
    assert (part.status, part.amount, part.charge) == ("succeeded", 500, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await refunds.create_async({"payment_intent": intent.id, "amount": 1501})
    rest = await refunds.create_async({"charge": intent.latest_charge})
    assert rest.amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await refunds.create_async({"payment_intent": intent.id})
    assert error_of(raised).code == "charge_already_refunded"
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (2000, True)


async def test_refund_keeps_reason_and_metadata_and_is_listed(client: Any, pay: Pay) -> None:
    """REFUND: duplicate, fraudulent or requested_by_customer, and metadata of one's own."""
    intent = await pay("pm_card_visa")
    wanted: Any = {
        "payment_intent": intent.id,
        "reason": "requested_by_customer",
        "metadata": {"order": "665"},
    }
    created = await client.v1.refunds.create_async(wanted, options={"idempotency_key": "refund-1"})
    again = await client.v1.refunds.create_async(wanted, options={"idempotency_key": "refund-1"})
    (listed,) = (await client.v1.refunds.list_async({"payment_intent": intent.id})).data
    assert created.id == again.id == listed.id
    assert (listed.reason, listed.metadata["order"]) == ("requested_by_customer", "665")
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.refunds.create_async({**wanted, "reason": "regret"})
    assert error_of(raised).param == "reason"


@pytest.mark.parametrize("method", ["pm_card_pendingRefund", "tok_pendingRefund"])
async def test_refund_can_be_pending_and_succeed_later(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, method: str
) -> None:
    """TESTING: with this card a refund begins as pending, and refund.updated follows."""
    intent = await pay(method)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    await stripe_http.post(f"/_control/refunds/{refund.id}")
    assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    (event,) = (await client.v1.events.list_async({"type": "refund.updated"})).data
    assert event.data.object["status"] == "succeeded"
    assert event.data.previous_attributes["status"] == "pending"


async def test_pending_refund_counts_as_refunded(client: Any, pay: Pay) -> None:
    """REFUNDS: you can't refund a total greater than the original charge amount."""
    intent = await pay("pm_card_pendingRefund")
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert error_of(raised).code == "charge_already_refunded"


@pytest.mark.parametrize("method", ["pm_card_refundFail", "tok_refundFail"])
async def test_refund_can_fail_after_it_succeeded(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, method: str
) -> None:
    """TESTING: with this card a refund appears to succeed, then fails: refund.failed."""
    intent = await pay(method)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    await stripe_http.post(f"/_control/refunds/{refund.id}")
    failed = await client.v1.refunds.retrieve_async(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    (event,) = (await client.v1.events.list_async({"type": "refund.failed"})).data
    assert event.data.object["id"] == refund.id
    again = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert again.id != refund.id
