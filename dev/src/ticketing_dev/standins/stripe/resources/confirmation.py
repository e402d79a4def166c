"""The confirmation of a PaymentIntent: the behaviour of the card and the resulting status.

requires_payment_method ─┐                ┌─> succeeded
requires_confirmation ───┼─ confirm(card) ┼─> requires_action ─┐
requires_action ─────────┘                ├─> processing ──────┴─ finish() ─> succeeded
                                          └─> requires_payment_method  (declined, with a 402)
"""

from ticketing_dev.standins.stripe.api.call import Call
from ticketing_dev.standins.stripe.api.errors import (
    Json,
    StripeError,
    invalid_request,
    unexpected_state,
)
from ticketing_dev.standins.stripe.resources import charges, disputes, events, payment_methods
from ticketing_dev.standins.stripe.resources.cards import Decline

ACTION_NOT_HANDLED = Decline(
    "authentication_required",
    "authentication_not_handled",
    "This payment required an authentication action to complete, but `error_on_requires_action` "
    "was set. When you're ready, you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def confirm(call: Call, intent: Json, payment_method: Json) -> Json:
    """Charge the card, or require authentication first. Raises StripeError (402) if declined."""
    card = payment_methods.card_of(payment_method)
    call.params.boolean("use_stripe_sdk")
    intent |= {
        "payment_method": payment_method["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    if card.requires_authentication:
        if call.params.boolean("error_on_requires_action"):
            raise decline_error(call, intent, payment_method, ACTION_NOT_HANDLED, charged=False)
        if call.params.text("off_session") not in (None, "false"):
            raise decline_error(
                call, intent, payment_method, AUTHENTICATION_REQUIRED, charged=False
            )
        intent |= {
            "status": "requires_action",
            "next_action": {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect"},
            },
        }
        events.record(call, "payment_intent.requires_action", intent)
        return call.store.put(intent)
    if card.stays_processing:
        pending = charges.create(call, intent, payment_method, "pending")
        intent |= {"status": "processing", "latest_charge": pending["id"]}
        events.record(call, "payment_intent.processing", intent)
        return call.store.put(intent)
    return charge_card(call, intent, payment_method)


def finish(call: Call) -> Json:
    """Decide for the buyer or the bank: `outcome` is succeed or fail."""
    call.params.only("outcome")
    intent = call.object_in_path("payment_intent", "intent")
    call.params.required("outcome")
    succeeds = call.params.choice("outcome", "succeed", "fail") == "succeed"
    if intent["status"] not in ("requires_action", "processing"):
        raise unexpected_state(f"Nothing to finish: it has a status of {intent['status']}.", intent)
    payment_method = call.store.find("payment_method", intent["payment_method"])
    if payment_method is None:
        raise invalid_request("The payment method is gone.")
    if intent["status"] == "processing":
        charge = call.store.find("charge", intent["latest_charge"])
        if charge is not None:
            charges.settle(call, charge, "succeeded" if succeeds else "failed")
        if succeeds:
            return mark_succeeded(call, intent)
        return mark_failed(call, intent, payment_method, "payment_intent_payment_attempt_failed")
    if not succeeds:
        return mark_failed(call, intent, payment_method, "payment_intent_authentication_failure")
    try:
        return charge_card(call, intent, payment_method)
    except StripeError as decline:  # the caller is not the buyer's request, so no 402
        declined_intent: Json = decline.error["payment_intent"]
        return declined_intent


def charge_card(call: Call, intent: Json, payment_method: Json) -> Json:
    """Create the charge. Raises StripeError (402) if the card is declined."""
    card = payment_methods.card_of(payment_method)
    if card.decline:
        raise decline_error(call, intent, payment_method, card.decline, charged=True)
    charge = charges.create(call, intent, payment_method, "succeeded")
    paid = mark_succeeded(call, intent | {"latest_charge": charge["id"]})
    if card.dispute:
        disputes.create(call, charge, card.dispute)
    return paid


def mark_succeeded(call: Call, intent: Json) -> Json:
    """Set the status to `succeeded`."""
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "next_action": None,
    }
    events.record(call, "payment_intent.succeeded", intent)
    return call.store.put(intent)


def decline_error(
    call: Call, intent: Json, payment_method: Json, reason: Decline, *, charged: bool
) -> StripeError:
    """Return the 402 of a declined card; the intent then needs another payment method."""
    charge = charges.create(call, intent, payment_method, "failed", reason) if charged else None
    error = StripeError(
        402,
        "card_error",
        reason.message,
        code=reason.code,
        decline_code=reason.decline_code,
        param=reason.param,
        charge=charge["id"] if charge else None,
        payment_method=payment_method,
        saved=True,
    )
    if charge:
        intent["latest_charge"] = charge["id"]
    error.error["payment_intent"] = require_payment_method(call, intent, error)
    return error


def mark_failed(call: Call, intent: Json, payment_method: Json, code: str) -> Json:
    """Fail an intent after its confirmation has returned."""
    messages = {
        "payment_intent_authentication_failure": "The provided PaymentMethod has failed "
        "authentication. You can provide payment_method_data or a new PaymentMethod to attempt to "
        "fulfill this PaymentIntent again.",
        "payment_intent_payment_attempt_failed": "The latest attempt to make a payment failed.",
    }
    error = invalid_request(messages[code], code=code)
    error.error["payment_method"] = payment_method
    return require_payment_method(call, intent, error)


def require_payment_method(call: Call, intent: Json, error: StripeError) -> Json:
    """Set the status to `requires_payment_method`."""
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": dict(error.error),
    }
    events.record(call, "payment_intent.payment_failed", intent)
    return call.store.put(intent)
