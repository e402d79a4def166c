"""PaymentIntents: made, confirmed, cancelled; what the card then does is in `attempts`."""

from ticketing_dev.standins.stripe import attempts, charges, events, payment_methods
from ticketing_dev.standins.stripe.call import Call, now
from ticketing_dev.standins.stripe.errors import Json, invalid, unexpected_state
from ticketing_dev.standins.stripe.lists import listing
from ticketing_dev.standins.stripe.money import price
from ticketing_dev.standins.stripe.new_intents import new_intent, receipt_email
from ticketing_dev.standins.stripe.params import Params

CONFIRMING = (
    "payment_method",
    "payment_method_data",
    "error_on_requires_action",
    "off_session",
    "return_url",
    "use_stripe_sdk",
    "receipt_email",
)
CANCELLABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(call: Call) -> Json:
    """Make an intent, and confirm it too where `confirm` says so."""
    params = call.params
    if "payment_method_types" in params.values:
        raise invalid(
            "The parameter `payment_method_types` is no longer supported. Use "
            "`automatic_payment_methods` or `allowed_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    params.only(
        "amount",
        "currency",
        "confirm",
        "automatic_payment_methods",
        "allowed_payment_method_types",
        "description",
        "metadata",
        "statement_descriptor_suffix",
        *CONFIRMING,
    )
    confirming = params.boolean("confirm")
    if not confirming:
        for name in ("error_on_requires_action", "off_session", "return_url"):
            if name in params.values:
                raise invalid(
                    f"The parameter `{name}` cannot be passed when creating a PaymentIntent "
                    "unless `confirm` is set to true.",
                    param=name,
                )
    amount, currency = price(params)
    paid_with = payment_methods.given(call, params)
    intent = new_intent(amount, currency, params)
    if paid_with:
        intent |= {"payment_method": paid_with["id"], "status": "requires_confirmation"}
    if confirming:
        check_return_url(params, intent, made=False)
        check_method(intent, paid_with)
    call.store.add(intent)
    events.record(call, "payment_intent.created", intent)
    return attempts.confirm(call, intent, paid_with) if confirming and paid_with else intent


def retrieve(call: Call) -> Json:
    call.params.only("client_secret")
    return call.named("payment_intent", "intent")


def list_newest(call: Call) -> Json:
    return listing(call, "payment_intent")


def confirm(call: Call) -> Json:
    """Try to take the money, with the method given now or the one given before."""
    call.params.only(*CONFIRMING)
    intent = call.named("payment_intent", "intent")
    if intent["status"] == "succeeded":
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
            intent,
        )
    if intent["status"] in ("canceled", "processing"):
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be confirmed: "
            "requires_confirmation, requires_action.",
            intent,
        )
    paid_with = payment_methods.given(call, call.params)
    if paid_with is None and intent["payment_method"]:
        paid_with = call.store.find("payment_method", intent["payment_method"])
    check_return_url(call.params, intent, made=True)
    check_method(intent, paid_with)
    if email := receipt_email(call.params):
        intent["receipt_email"] = email
    return attempts.confirm(call, intent, paid_with) if paid_with else intent


def cancel(call: Call) -> Json:
    """Make sure that this intent never takes money."""
    call.params.only("cancellation_reason")
    reason = call.params.choice("cancellation_reason", *REASONS)
    intent = call.named("payment_intent", "intent")
    if intent["status"] not in CANCELLABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(CANCELLABLE)}.",
            intent,
        )
    if intent["status"] == "processing":
        pending = call.store.find("charge", intent["latest_charge"])
        if pending is not None:
            charges.settle(call, pending, "failed")
    intent |= {
        "status": "canceled",
        "canceled_at": now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    events.record(call, "payment_intent.canceled", intent)
    return call.store.put(intent)


def check_return_url(params: Params, intent: Json, *, made: bool) -> None:
    """A confirmation that may send the buyer elsewhere must say where they come back to."""
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    away = params.text("off_session") not in (None, "false")
    if redirects and not away and params.text("return_url") is None:
        error = invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and Payment Intents."
        )
        if made:
            error.error["payment_intent"] = intent
        raise error


def check_method(intent: Json, paid_with: Json | None) -> None:
    if paid_with is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )
    if paid_with["type"] not in intent["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod provided ({paid_with['type']}) is not allowed for this "
            "PaymentIntent. Please attach a PaymentMethod of one of the following types: "
            f"{', '.join(intent['payment_method_types'])}.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
