"""Refunds: of a charge, in full or in parts, never more than was paid."""

from ticketing_dev.stand_ins.stripe import events
from ticketing_dev.stand_ins.stripe.call import Call, now
from ticketing_dev.stand_ins.stripe.errors import Json, invalid, no_such
from ticketing_dev.stand_ins.stripe.lists import listing
from ticketing_dev.stand_ins.stripe.money import written
from ticketing_dev.stand_ins.stripe.store import new_id

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("refund", "refund")


def list_newest(call: Call) -> Json:
    return listing(call, "refund", "charge", "payment_intent")


def create(call: Call) -> Json:
    """Give money back, at once."""
    call.params.only("charge", "payment_intent", "amount", "reason", "metadata")
    charge = charge_to_refund(call)
    amount = refundable(call, charge)
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
            "metadata": call.params.metadata(),
            "payment_intent": charge["payment_intent"],
            "reason": call.params.choice("reason", *REASONS),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.store.put(charge)
    events.record(call, "refund.created", refund)
    events.record(call, "charge.refunded", charge)
    return refund


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
            raise invalid(
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
    if charge["refunded"]:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if not charge["paid"]:
        raise invalid(
            f"Charge {charge['id']} has not succeeded, so it cannot be refunded.", param="charge"
        )
    if asked is not None and asked < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if asked is not None and asked > left:
        raise invalid(
            f"Refund amount ({written(asked, charge['currency'])}) is greater than unrefunded "
            f"amount on charge ({written(left, charge['currency'])})",
            param="amount",
        )
    return left if asked is None else asked
