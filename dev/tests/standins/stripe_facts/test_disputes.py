"""What becomes of a charge that its payer disputes."""

from typing import Any

import httpx
import pytest
import stripe
from dev.tests.standins.stripe_facts.sdk import Pay, told


@pytest.mark.parametrize(
    ("paid_with", "reason"),
    [
        ("pm_card_createDispute", "fraudulent"),
        ("tok_createDispute", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received"),
    ],
)
async def test_a_disputed_charge_is_told_of_and_cannot_be_refunded(
    client: Any, pay: Pay, paid_with: str, reason: str
) -> None:
    """ERROR_CODES: charge_disputed, the charge that you attempt to refund was charged back."""
    intent = await pay(paid_with, expand=["latest_charge"])
    assert (intent.status, intent.latest_charge.disputed) == ("succeeded", True)
    (dispute,) = (await client.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.reason) == ("needs_response", reason)
    assert (dispute.amount, dispute.charge) == (2000, intent.latest_charge.id)
    assert (await client.v1.disputes.retrieve_async(dispute.id)).id == dispute.id
    (told_of,) = (await client.v1.events.list_async({"type": "charge.dispute.created"})).data
    assert told_of.data.object["id"] == dispute.id
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as refused:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert told(refused).code == "charge_disputed"


async def test_an_inquiry_moves_no_money_and_can_be_refunded(client: Any, pay: Pay) -> None:
    """DISPUTE: an inquiry is warning_needs_response, and is_charge_refundable tells the rest."""
    intent = await pay("pm_card_createDisputeInquiry")
    (dispute,) = (await client.v1.disputes.list_async()).data
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    withdrawn = await client.v1.events.list_async({"type": "charge.dispute.funds_withdrawn"})
    assert withdrawn.data == []
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "succeeded"


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_a_dispute_is_won_or_lost_once(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, outcome: str
) -> None:
    """DISPUTES: the bank decides, and a dispute that is won returns the money."""
    await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data
    closed = await stripe_http.post(f"/_control/disputes/{dispute.id}", data={"outcome": outcome})
    assert closed.json()["status"] == outcome
    types = [event.type for event in (await client.v1.events.list_async({"limit": 2})).data]
    assert types[0] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in types) == (outcome == "won")
    again = await stripe_http.post(f"/_control/disputes/{dispute.id}", data={"outcome": outcome})
    assert again.status_code == 400
