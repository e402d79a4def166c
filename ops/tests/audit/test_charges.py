"""Stripe's charges and payments, read side by side."""

import pytest
from ops.tests.audit import faults
from ops.tests.audit.conftest import Look_at, told
from ops.tests.audit.shop import Shop

from ticketing_ops.audit import charges, stripe_record


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_record, "PAGE", 2)
    monkeypatch.setattr(charges, "REMEMBERED", 1)


async def other_sales(shop: Shop, count: int) -> None:
    """As many payments that were given back, each with its charge."""
    for number in range(2, count + 2):
        payment = faults.new_id()
        intent, charge = await shop.charged(shop.cancelled, payment)
        await shop.given_back(charge)
        fields = {"stripe_id": intent, "number": number, "status": "refunded"}
        await shop.pay(shop.cancelled, _id=payment, **fields, ticket_id=shop.free)


async def test_all_pages_are_read_and_what_has_passed_by_is_asked_for(
    shop: Shop, look_at: Look_at, small_pages: None
) -> None:
    await other_sales(shop, 5)
    assert told(await look_at()) == []

    _, charge = await shop.charged(shop.complete, faults.new_id())
    await other_sales(shop, 4)
    ids = {"charge": charge, "order": shop.complete}
    assert told(await look_at()) == [("charge-without-payment", ids)]


async def test_what_is_older_than_the_days_that_are_asked_for_is_not_compared(
    shop: Shop, look_at: Look_at
) -> None:
    await shop.given_back(shop.charge)
    await shop.change("payments", "payments", shop.payment, stripe_id="pi_unknown")
    assert len(told(await look_at())) == 1

    # A day in the future: all there is is older.
    assert told(await look_at(days=-1)) == []


async def test_charges_of_somebody_else_on_the_same_account_are_none_of_ours(
    shop: Shop, look_at: Look_at
) -> None:
    await shop.charged("", "")
    assert told(await look_at()) == []


async def test_a_declined_card_is_no_charge(shop: Shop, look_at: Look_at) -> None:
    asked = {
        "amount": 2500,
        "currency": "usd",
        "confirm": "true",
        "payment_method": "pm_card_visa_chargeDeclined",
        "allowed_payment_method_types[0]": "card",
        "metadata[order_id]": shop.waiting,
    }
    assert (await shop.stripe.post("/v1/payment_intents", data=asked)).status_code == 402
    charges = (await shop.stripe.get("/v1/charges")).json()["data"]
    assert charges[0]["status"] == "failed"
    assert told(await look_at()) == []


async def test_a_charge_with_a_lost_dispute_is_not_asked_back_a_second_time(
    shop: Shop, look_at: Look_at
) -> None:
    payment = faults.new_id()
    intent, _ = await shop.charged(shop.cancelled, payment)
    pending = {"stripe_id": intent, "status": "refund-pending", "charged_back": True}
    await shop.pay(shop.cancelled, _id=payment, **pending, ticket_id=shop.free)
    assert told(await look_at()) == []


async def test_a_refund_that_is_never_made_is_found_however_the_payment_stands(
    shop: Shop, look_at: Look_at
) -> None:
    payment = faults.new_id()
    intent, charge = await shop.charged(shop.cancelled, payment)
    pending = {"stripe_id": intent, "status": "refund-pending", "ticket_id": shop.free}
    await shop.pay(shop.cancelled, _id=payment, **pending)

    ids = {"charge": charge, "payment": payment, "order": shop.cancelled}
    assert told(await look_at()) == [("refund-not-made", ids)]
