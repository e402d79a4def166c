"""Refunds: of a charge, in full or in parts, never more than was paid."""

from ticketing_dev.standins.stripe import disputes, events, payment_methods
from ticketing_dev.standins.stripe.call import Call, now
from ticketing_dev.standins.stripe.cards import Card
from ticketing_dev.standins.stripe.errors import Json, invalid, no_such, not_now
from ticketing_dev.standins.stripe.lists import listing
from ticketing_dev.standins.stripe.money import written
from ticketing_dev.standins.stripe.store import new_id

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("refund", "refund")


def list_newest(call: Call) -> Json:
    return listing(call, "refund", "charge", "payment_intent")


def create(call: Call) -> Json:
    """Give money back: at once, but for the cards whose refunds take their time."""
    call.params.only("charge", "payment_intent", "amount", "reason", "metadata")
    metadata = call.params.metadata()
    reason = call.params.choice("reason", *REASONS)
    charge = charge_to_refund(call)
    amount = refundable(call, charge)
    status = card_of(call, charge).refund_at_first
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
    before = give_back(call, charge, amount)
    events.record(call, "refund.created", refund)
    events.record(call, "charge.refunded", charge, before)
    return refund


def settle(call: Call) -> Json:
    """Play the bank that ends a refund: `outcome` is succeed or fail, else what its card does.

    One that succeeded may fail later on, as when the card's account is closed.
    """
    call.params.only("outcome")
    refund = call.named("refund", "refund")
    charge = call.store.find("charge", refund["charge"])
    if charge is None:
        raise invalid("The charge is gone.")
    asked = call.params.choice("outcome", "succeed", "fail")
    outcomes = {"succeed": "succeeded", "fail": "failed"}
    outcome = outcomes[asked] if asked else card_of(call, charge).refund_in_time
    if outcome is None or refund["status"] in ("failed", outcome):
        raise invalid(f"Nothing to settle: it has a status of {refund['status']}.")
    before = {"status": refund["status"]}
    refund.pop("pending_reason", None)
    refund["status"] = outcome
    if outcome == "failed":
        refund |= {
            "failure_balance_transaction": new_id("txn"),
            "failure_reason": "expired_or_canceled_card",
        }
        give_back(call, charge, -refund["amount"])
        events.record(call, "refund.failed", refund)
    events.record(call, "refund.updated", refund, before)
    events.record(call, "charge.refund.updated", refund, before)
    return call.store.put(refund)


def give_back(call: Call, charge: Json, amount: int) -> Json:
    """Have the charge say that so much (more) was refunded; what it said before."""
    before = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.put(charge)
    return before


def card_of(call: Call, charge: Json) -> Card:
    """The card that a charge was paid with."""
    paid_with = call.store.find("payment_method", charge["payment_method"])
    if paid_with is None:
        raise invalid("The payment method is gone.")
    return payment_methods.card_of(paid_with)


def charge_to_refund(call: Call) -> Json:
    """The charge that is named, or the one by which the named PaymentIntent was paid."""
    name = call.params.text("charge")
    if name is None:
        intent_name = call.params.text("payment_intent")
        if intent_name is None:
            raise invalid(
                "One of the following params should be provided for this request: "
                "payment_intent or charge.",
                code="parameter_missing",
            )
        intent = call.store.find("payment_intent", intent_name)
        if intent is None:
            raise no_such("payment_intent", intent_name, param="payment_intent")
        if intent["status"] != "succeeded":
            raise not_now(
                f"This PaymentIntent ({intent_name}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
        name = str(intent["latest_charge"])
    charge = call.store.find("charge", name)
    if charge is None:
        raise no_such("charge", name, param="charge")
    return charge


def refundable(call: Call, charge: Json) -> int:
    """The amount asked for, or all that is left; refused where that is more than was paid."""
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    asked = call.params.integer("amount")
    if asked is not None and asked < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if disputes.forbids_refund(call, charge):
        raise not_now(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if charge["refunded"]:
        raise not_now(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if not charge["paid"]:
        raise not_now(
            f"Charge {charge['id']} has not succeeded, so it cannot be refunded.", param="charge"
        )
    if asked is not None and asked > left:
        raise not_now(
            f"Refund amount ({written(asked, charge['currency'])}) is greater than unrefunded "
            f"amount on charge ({written(left, charge['currency'])})",
            param="amount",
        )
    return left if asked is None else asked
