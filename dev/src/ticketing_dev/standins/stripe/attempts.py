"""A try at paying: what the card does, and what becomes of the PaymentIntent.

requires_payment_method ─┐                ┌─> succeeded
requires_confirmation ───┼─ confirm(card) ┼─> requires_action ─┐
requires_action ─────────┘                ├─> processing ──────┴─ finish() ─> succeeded
                                          └─> requires_payment_method  (declined, with a 402)
"""

from ticketing_dev.standins.stripe import charges, disputes, events, payment_methods
from ticketing_dev.standins.stripe.call import Call
from ticketing_dev.standins.stripe.cards import Decline
from ticketing_dev.standins.stripe.errors import Json, StripeError, invalid, unexpected_state

ACTION_NOT_HANDLED = Decline(
    "authentication_required",
    "authentication_not_handled",
    "This payment required an authentication action to complete, but `error_on_requires_action` "
    "was set. When you're ready, you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
)
BUYER_NOT_THERE = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def confirm(call: Call, intent: Json, paid_with: Json) -> Json:
    """Charge the card, or say what it needs first. Raises the card's 402."""
    card = payment_methods.card_of(paid_with)
    call.params.boolean("use_stripe_sdk")
    intent |= {"payment_method": paid_with["id"], "last_payment_error": None, "next_action": None}
    if card.asks_the_buyer:
        if call.params.boolean("error_on_requires_action"):
            raise declined(call, intent, paid_with, ACTION_NOT_HANDLED, charged=False)
        if call.params.text("off_session") not in (None, "false"):
            raise declined(call, intent, paid_with, BUYER_NOT_THERE, charged=False)
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
        pending = charges.charge(call, intent, paid_with, "pending")
        intent |= {"status": "processing", "latest_charge": pending["id"]}
        events.record(call, "payment_intent.processing", intent)
        return call.store.put(intent)
    return ask_the_bank(call, intent, paid_with)


def finish(call: Call) -> Json:
    """End what waits for the buyer or the bank, as they would: `outcome` is succeed or fail."""
    call.params.only("outcome")
    intent = call.named("payment_intent", "intent")
    call.params.required("outcome")
    well = call.params.choice("outcome", "succeed", "fail") == "succeed"
    if intent["status"] not in ("requires_action", "processing"):
        raise unexpected_state(f"Nothing to finish: it has a status of {intent['status']}.", intent)
    paid_with = call.store.find("payment_method", intent["payment_method"])
    if paid_with is None:
        raise invalid("The payment method is gone.")
    if intent["status"] == "processing":
        charge = call.store.find("charge", intent["latest_charge"])
        if charge is not None:
            charges.settle(call, charge, "succeeded" if well else "failed")
        if well:
            return succeeded(call, intent)
        return failed(call, intent, paid_with, "payment_intent_payment_attempt_failed")
    if not well:
        return failed(call, intent, paid_with, "payment_intent_authentication_failure")
    try:
        return ask_the_bank(call, intent, paid_with)
    except StripeError as refused:  # nobody waits for a 402 here
        after: Json = refused.error["payment_intent"]
        return after


def ask_the_bank(call: Call, intent: Json, paid_with: Json) -> Json:
    card = payment_methods.card_of(paid_with)
    if card.decline:
        raise declined(call, intent, paid_with, card.decline, charged=True)
    charge = charges.charge(call, intent, paid_with, "succeeded")
    paid = succeeded(call, intent | {"latest_charge": charge["id"]})
    if card.dispute:
        disputes.begin(call, charge, card.dispute)
    return paid


def succeeded(call: Call, intent: Json) -> Json:
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "next_action": None,
    }
    events.record(call, "payment_intent.succeeded", intent)
    return call.store.put(intent)


def declined(
    call: Call, intent: Json, paid_with: Json, why: Decline, *, charged: bool
) -> StripeError:
    """The 402 of a card, after which the intent waits for another one."""
    charge = charges.charge(call, intent, paid_with, "failed", why) if charged else None
    error = StripeError(
        402,
        "card_error",
        why.message,
        code=why.code,
        decline_code=why.decline_code,
        param=why.param,
        charge=charge["id"] if charge else None,
        payment_method=paid_with,
        saved=True,
    )
    if charge:
        intent["latest_charge"] = charge["id"]
    error.error["payment_intent"] = wait_for_another(call, intent, error)
    return error


def failed(call: Call, intent: Json, paid_with: Json, code: str) -> Json:
    """An intent whose buyer or bank said no after the answer had been given."""
    words = {
        "payment_intent_authentication_failure": "The provided PaymentMethod has failed "
        "authentication. You can provide payment_method_data or a new PaymentMethod to attempt to "
        "fulfill this PaymentIntent again.",
        "payment_intent_payment_attempt_failed": "The latest attempt to make a payment failed.",
    }
    error = invalid(words[code], code=code)
    error.error["payment_method"] = paid_with
    return wait_for_another(call, intent, error)


def wait_for_another(call: Call, intent: Json, error: StripeError) -> Json:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": dict(error.error),
    }
    events.record(call, "payment_intent.payment_failed", intent)
    return call.store.put(intent)
