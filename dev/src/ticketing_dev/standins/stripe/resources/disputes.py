"""Disputes: the buyer's bank withdraws the money of a payment that the buyer disputes.

An inquiry moves no money; a refund ends it.
"""

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request
from ticketing_dev.standins.stripe.api.lists import list_page
from ticketing_dev.standins.stripe.resources import events
from ticketing_dev.standins.stripe.resources.cards import Dispute
from ticketing_dev.standins.stripe.store import Where, new_id

RESPONSE_PERIOD_SECONDS = 7 * 24 * 3600


def retrieve(call: Call) -> Json:
    """Serve GET /v1/disputes/{dispute}."""
    call.params.only()
    return call.object_in_path("dispute", "dispute")


def list_newest(call: Call) -> Json:
    """Serve GET /v1/disputes."""
    return list_page(call, "dispute", "charge", "payment_intent")


def create(call: Call, charge: Json, reason: Dispute) -> Json:
    """Open a dispute of a successful charge."""
    dispute = call.store.add(new_dispute(charge, reason))
    charge["disputed"] = True
    call.store.put(charge)
    events.record(call, "charge.dispute.created", dispute)
    if not reason.is_inquiry:
        events.record(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(call: Call) -> Json:
    """Close a dispute: `outcome` is won or lost, from the seller's side."""
    call.params.only("outcome")
    call.params.required("outcome")
    outcome = call.params.choice("outcome", "won", "lost")
    dispute = call.object_in_path("dispute", "dispute")
    before = {"status": dispute["status"]}
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise invalid_request("This dispute is already closed.")
    inquiry = dispute["status"] == "warning_needs_response"
    dispute["status"] = "warning_closed" if inquiry else outcome
    if outcome == "won" and not inquiry:
        dispute["is_charge_refundable"] = True
        events.record(call, "charge.dispute.funds_reinstated", dispute)
    events.record(call, "charge.dispute.closed", dispute, before)
    return call.store.put(dispute)


def forbids_refund(call: Call, charge: Json) -> bool:
    """Return whether the bank has withdrawn the money already."""
    of_charge = [Where("charge", "=", charge["id"])]
    disputes = call.store.newest("dispute", limit=1, where=of_charge)
    return any(not dispute["is_charge_refundable"] for dispute in disputes)


def new_dispute(charge: Json, reason: Dispute) -> Json:
    """Return the JSON of a new dispute."""
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
            "due_by": now() + RESPONSE_PERIOD_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": reason.is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if reason.is_inquiry else "chargeback",
                "network_reason_code": reason.network_reason_code,
            },
            "type": "card",
        },
        "reason": reason.reason,
        "status": "warning_needs_response" if reason.is_inquiry else "needs_response",
    }
