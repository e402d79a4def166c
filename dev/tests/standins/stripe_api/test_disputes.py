"""Disputes and inquiries."""

from typing import Any

import httpx
import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("pm_card_createDispute", "fraudulent"),
        ("tok_createDispute", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received"),
    ],
)
async def test_dispute_sends_events_and_forbids_a_refund(
    client: Any, pay: Pay, method: str, reason: str
) -> None:
    """ERROR_CODES: charge_disputed, the charge that you attempt to refund was charged back."""
    intent = await pay(method, expand=["latest_charge"])
    assert (intent.status, intent.latest_charge.disputed) == ("succeeded", True)
    (dispute,) = (await client.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.reason) == ("needs_response", reason)
    assert (dispute.amount, dispute.charge) == (2000, intent.latest_charge.id)
    assert (await client.v1.disputes.retrieve_async(dispute.id)).id == dispute.id
    (event,) = (await client.v1.events.list_async({"type": "charge.dispute.created"})).data
    assert event.data.object["id"] == dispute.id
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as raised:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert error_of(raised).code == "charge_disputed"


async def test_inquiry_moves_no_money_and_allows_a_refund(client: Any, pay: Pay) -> None:
    """DISPUTE: an inquiry is warning_needs_response, and is_charge_refundable is true."""
    intent = await pay("pm_card_createDisputeInquiry")
    (dispute,) = (await client.v1.disputes.list_async()).data
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    withdrawn = await client.v1.events.list_async({"type": "charge.dispute.funds_withdrawn"})
    assert withdrawn.data == []
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "succeeded"


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_dispute_closes_once(
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
