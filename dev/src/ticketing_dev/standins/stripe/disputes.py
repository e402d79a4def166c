"""Disputes: a buyer tells their bank that a payment was none of theirs, and the bank takes it back.

An inquiry is only a question of the bank's: no money moves, and a refund is the way to end it.
"""

from ticketing_dev.standins.stripe import events
from ticketing_dev.standins.stripe.call import Call, now
from ticketing_dev.standins.stripe.cards import Dispute
from ticketing_dev.standins.stripe.errors import Json, invalid
from ticketing_dev.standins.stripe.lists import listing
from ticketing_dev.standins.stripe.store import Where, new_id

TIME_TO_ANSWER = 7 * 24 * 3600


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("dispute", "dispute")


def list_newest(call: Call) -> Json:
    return listing(call, "dispute", "charge", "payment_intent")


def begin(call: Call, charge: Json, why: Dispute) -> Json:
    """Have the buyer's bank dispute a charge that was paid."""
    dispute = call.store.add(new_dispute(charge, why))
    charge["disputed"] = True
    call.store.put(charge)
    events.record(call, "charge.dispute.created", dispute)
    if not why.is_inquiry:
        events.record(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(call: Call) -> Json:
    """Play the bank that decides: `outcome` is won or lost, as the seller sees it."""
    call.params.only("outcome")
    call.params.required("outcome")
    outcome = call.params.choice("outcome", "won", "lost")
    dispute = call.named("dispute", "dispute")
    before = {"status": dispute["status"]}
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise invalid("This dispute is already closed.")
    inquiry = dispute["status"] == "warning_needs_response"
    dispute["status"] = "warning_closed" if inquiry else outcome
    if outcome == "won" and not inquiry:
        dispute["is_charge_refundable"] = True
        events.record(call, "charge.dispute.funds_reinstated", dispute)
    events.record(call, "charge.dispute.closed", dispute, before)
    return call.store.put(dispute)


def forbids_refund(call: Call, charge: Json) -> bool:
    """Whether the bank has taken the money back already."""
    of_charge = [Where("charge", "=", charge["id"])]
    disputes = call.store.newest("dispute", limit=1, where=of_charge)
    return any(not dispute["is_charge_refundable"] for dispute in disputes)


def new_dispute(charge: Json, why: Dispute) -> Json:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": now() + TIME_TO_ANSWER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": why.is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if why.is_inquiry else "chargeback",
                "network_reason_code": why.network_reason_code,
            },
            "type": "card",
        },
        "reason": why.reason,
        "status": "warning_needs_response" if why.is_inquiry else "needs_response",
    }
