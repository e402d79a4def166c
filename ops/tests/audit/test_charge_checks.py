"""Comparison of Stripe's charges with payments."""

import pytest
from ops.tests.audit import problems
from ops.tests.audit.conftest import RunAudit, kinds_and_ids
from ops.tests.audit.shop import Shop

from ticketing_ops.audit import stripe
from ticketing_ops.audit.checks import charges


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two charges, and one charge kept in memory."""
    monkeypatch.setattr(stripe, "PAGE", 2)
    monkeypatch.setattr(charges, "MAX_REMEMBERED", 1)


async def insert_refunded_payments(shop: Shop, count: int) -> None:
    """Insert refunded payments, each with its charge."""
    for attempt in range(2, count + 2):
        payment = problems.new_id()
        intent, charge = await shop.charge_order(shop.cancelled, payment)
        await shop.refund_charge(charge)
        fields = {"stripe_id": intent, "attempt": attempt, "status": "refunded"}
        await shop.insert_payment(shop.cancelled, _id=payment, **fields, ticket_id=shop.free)


async def test_charges_are_read_in_pages_and_forgotten_ones_are_requested(
    shop: Shop, run_audit: RunAudit, small_pages: None
) -> None:
    await insert_refunded_payments(shop, 5)
    assert kinds_and_ids(await run_audit()) == []

    _, charge = await shop.charge_order(shop.complete, problems.new_id())
    await insert_refunded_payments(shop, 4)
    ids = {"charge": charge, "order": shop.complete}
    assert kinds_and_ids(await run_audit()) == [("charge-without-payment", ids)]


async def test_charges_older_than_the_days_are_not_compared(
    shop: Shop, run_audit: RunAudit
) -> None:
    await shop.refund_charge(shop.charge)
    await shop.change("payments", "payments", shop.payment, stripe_id="pi_unknown")
    assert len(kinds_and_ids(await run_audit())) == 1

    # Starting one day in the future excludes everything.
    assert kinds_and_ids(await run_audit(days=-1)) == []


async def test_charges_without_an_order_are_ignored(shop: Shop, run_audit: RunAudit) -> None:
    await shop.charge_order("", "")
    assert kinds_and_ids(await run_audit()) == []


async def test_charges_that_failed_are_ignored(shop: Shop, run_audit: RunAudit) -> None:
    request = {
        "amount": 2500,
        "currency": "usd",
        "confirm": "true",
        "payment_method": "pm_card_visa_chargeDeclined",
        "allowed_payment_method_types[0]": "card",
        "metadata[order_id]": shop.waiting,
    }
    assert (await shop.stripe.post("/v1/payment_intents", data=request)).status_code == 402
    listed = (await shop.stripe.get("/v1/charges")).json()["data"]
    assert listed[0]["status"] == "failed"
    assert kinds_and_ids(await run_audit()) == []


async def test_charges_with_a_lost_dispute_need_no_refund(shop: Shop, run_audit: RunAudit) -> None:
    payment = problems.new_id()
    intent, _ = await shop.charge_order(shop.cancelled, payment)
    pending = {"stripe_id": intent, "status": "refund-pending", "charged_back": True}
    await shop.insert_payment(shop.cancelled, _id=payment, **pending, ticket_id=shop.free)
    assert kinds_and_ids(await run_audit()) == []


async def test_charges_of_a_pending_refund_without_a_stripe_refund_are_found(
    shop: Shop, run_audit: RunAudit
) -> None:
    payment = problems.new_id()
    intent, charge = await shop.charge_order(shop.cancelled, payment)
    pending = {"stripe_id": intent, "status": "refund-pending", "ticket_id": shop.free}
    await shop.insert_payment(shop.cancelled, _id=payment, **pending)

    ids = {"charge": charge, "payment": payment, "order": shop.cancelled}
    assert kinds_and_ids(await run_audit()) == [("refund-not-made", ids)]
