"""Refunds of a charge, in full or in parts, up to the amount paid."""

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import (
    Json,
    invalid_request,
    resource_missing,
    state_conflict,
)
from ticketing_dev.standins.stripe.api.lists import list_page
from ticketing_dev.standins.stripe.resources import disputes, events, payment_methods
from ticketing_dev.standins.stripe.resources.cards import Card
from ticketing_dev.standins.stripe.resources.money import format_amount
from ticketing_dev.standins.stripe.store import new_id

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def retrieve(call: Call) -> Json:
    """Serve GET /v1/refunds/{refund}."""
    call.params.only()
    return call.object_in_path("refund", "refund")


def list_newest(call: Call) -> Json:
    """Serve GET /v1/refunds."""
    return list_page(call, "refund", "charge", "payment_intent")


def create(call: Call) -> Json:
    """Serve POST /v1/refunds. The status depends on the test card of the charge."""
    call.params.only("charge", "payment_intent", "amount", "reason", "metadata")
    metadata = call.params.metadata()
    reason = call.params.choice("reason", *REASONS)
    charge = charge_to_refund(call)
    amount = refund_amount(call, charge)
    status = card_of(call, charge).initial_refund_status
    refund = call.store.add(
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": new_id("txn"),
            "charge": charge["id"],
            "created": now(),
            "currency": charge["currency"],
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": status,
            "transfer_reversal": None,
            **({"pending_reason": "processing"} if status == "pending" else {}),
        }
    )
    before = add_refunded_amount(call, charge, amount)
    events.record(call, "refund.created", refund)
    events.record(call, "charge.refunded", charge, before)
    return refund


def settle(call: Call) -> Json:
    """Set the outcome of a refund: `outcome` is succeed or fail, by default that of its test card.

    A refund that succeeded can still fail, for example when the card's account is closed.
    """
    call.params.only("outcome")
    refund = call.object_in_path("refund", "refund")
    charge = call.store.find("charge", refund["charge"])
    if charge is None:
        raise invalid_request("The charge is gone.")
    chosen = call.params.choice("outcome", "succeed", "fail")
    outcomes = {"succeed": "succeeded", "fail": "failed"}
    outcome = outcomes[chosen] if chosen else card_of(call, charge).final_refund_status
    if outcome is None or refund["status"] in ("failed", outcome):
        raise invalid_request(f"Nothing to settle: it has a status of {refund['status']}.")
    before = {"status": refund["status"]}
    refund.pop("pending_reason", None)
    refund["status"] = outcome
    if outcome == "failed":
        refund |= {
            "failure_balance_transaction": new_id("txn"),
            "failure_reason": "expired_or_canceled_card",
        }
        add_refunded_amount(call, charge, -refund["amount"])
        events.record(call, "refund.failed", refund)
    events.record(call, "refund.updated", refund, before)
    events.record(call, "charge.refund.updated", refund, before)
    return call.store.put(refund)


def add_refunded_amount(call: Call, charge: Json, amount: int) -> Json:
    """Add to the refunded amount of the charge. Return the previous values."""
    before = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.put(charge)
    return before


def card_of(call: Call, charge: Json) -> Card:
    """Return the test card of a charge."""
    payment_method = call.store.find("payment_method", charge["payment_method"])
    if payment_method is None:
        raise invalid_request("The payment method is gone.")
    return payment_methods.card_of(payment_method)


def charge_to_refund(call: Call) -> Json:
    """Return the charge of `charge`, or the successful one of `payment_intent`."""
    name = call.params.text("charge")
    if name is None:
        intent_name = call.params.text("payment_intent")
        if intent_name is None:
            raise invalid_request(
                "One of the following params should be provided for this request: "
                "payment_intent or charge.",
                code="parameter_missing",
            )
        intent = call.store.find("payment_intent", intent_name)
        if intent is None:
            raise resource_missing("payment_intent", intent_name, param="payment_intent")
        if intent["status"] != "succeeded":
            raise state_conflict(
                f"This PaymentIntent ({intent_name}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
        name = str(intent["latest_charge"])
    charge = call.store.find("charge", name)
    if charge is None:
        raise resource_missing("charge", name, param="charge")
    return charge


def refund_amount(call: Call, charge: Json) -> int:
    """Return `amount`, or all that is left. Raises StripeError if the charge forbids it."""
    remaining: int = charge["amount_captured"] - charge["amount_refunded"]
    requested = call.params.integer("amount")
    if requested is not None and requested < 1:
        raise invalid_request(
            "Invalid positive integer", code="parameter_invalid_integer", param="amount"
        )
    if disputes.forbids_refund(call, charge):
        raise state_conflict(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if charge["refunded"]:
        raise state_conflict(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if not charge["paid"]:
        raise state_conflict(
            f"Charge {charge['id']} has not succeeded, so it cannot be refunded.", param="charge"
        )
    if requested is not None and requested > remaining:
        raise state_conflict(
            f"Refund amount ({format_amount(requested, charge['currency'])}) is greater than "
            f"unrefunded amount on charge ({format_amount(remaining, charge['currency'])})",
            param="amount",
        )
    return remaining if requested is None else requested
