"""Charges: one per attempt to move money, failed attempts included."""

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import Json
from ticketing_dev.standins.stripe.api.lists import list_page
from ticketing_dev.standins.stripe.resources import events, payment_methods, statement_descriptors
from ticketing_dev.standins.stripe.resources.cards import Decline
from ticketing_dev.standins.stripe.store import new_id


def retrieve(call: Call) -> Json:
    """Serve GET /v1/charges/{charge}."""
    call.params.only()
    return call.object_in_path("charge", "charge")


def list_newest(call: Call) -> Json:
    """Serve GET /v1/charges."""
    return list_page(call, "charge", "payment_intent")


def create(
    call: Call, intent: Json, payment_method: Json, status: str, decline: Decline | None = None
) -> Json:
    """Add a charge of the intent's amount with its status."""
    created = call.store.add(new_charge(intent, payment_method, status, decline))
    events.record(call, f"charge.{status}", created)
    return created


def settle(call: Call, pending: Json, status: str) -> Json:
    """Change a pending charge to `succeeded` or `failed`."""
    paid = status == "succeeded"
    pending |= {
        "status": status,
        "paid": paid,
        "captured": paid,
        "amount_captured": pending["amount"] if paid else 0,
    }
    events.record(call, f"charge.{status}", pending)
    return call.store.put(pending)


def new_charge(intent: Json, payment_method: Json, status: str, decline: Decline | None) -> Json:
    paid = status == "succeeded"
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": new_id("txn") if paid else None,
        "billing_details": payment_methods.billing_details(),
        "calculated_statement_descriptor": statement_descriptors.complete(
            intent["statement_descriptor_suffix"]
        ),
        "captured": paid,
        "created": now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": outcome(status, decline),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": payment_method["id"],
        "payment_method_details": {
            "type": payment_method["type"],
            payment_method["type"]: payment_method[payment_method["type"]],
        },
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def outcome(status: str, decline: Decline | None) -> Json | None:
    if status == "pending":
        return None
    return {
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "seller_message": "The bank declined the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }
