"""PaymentIntents: create, confirm, cancel. `confirmation` has the behaviour of the card."""

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request, unexpected_state
from ticketing_dev.standins.stripe.api.lists import list_page
from ticketing_dev.standins.stripe.api.params import Params
from ticketing_dev.standins.stripe.resources import charges, confirmation, events, payment_methods
from ticketing_dev.standins.stripe.resources.intent_fields import new_intent, receipt_email
from ticketing_dev.standins.stripe.resources.money import price

CONFIRMATION_PARAMS = (
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
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(call: Call) -> Json:
    """Serve POST /v1/payment_intents; with `confirm` it also confirms."""
    params = call.params
    if "payment_method_types" in params.values:
        raise invalid_request(
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
        *CONFIRMATION_PARAMS,
    )
    confirming = params.boolean("confirm")
    if not confirming:
        for name in ("error_on_requires_action", "off_session", "return_url"):
            if name in params.values:
                raise invalid_request(
                    f"The parameter `{name}` cannot be passed when creating a PaymentIntent "
                    "unless `confirm` is set to true.",
                    param=name,
                )
    amount, currency = price(params)
    payment_method = payment_methods.from_params(call, params)
    intent = new_intent(amount, currency, params)
    if payment_method:
        intent |= {"payment_method": payment_method["id"], "status": "requires_confirmation"}
    if confirming:
        check_return_url(params, intent, created=False)
        check_method(intent, payment_method)
    call.store.add(intent)
    events.record(call, "payment_intent.created", intent)
    return (
        confirmation.confirm(call, intent, payment_method)
        if confirming and payment_method
        else intent
    )


def retrieve(call: Call) -> Json:
    """Serve GET /v1/payment_intents/{intent}."""
    call.params.only("client_secret")
    return call.object_in_path("payment_intent", "intent")


def list_newest(call: Call) -> Json:
    """Serve GET /v1/payment_intents."""
    return list_page(call, "payment_intent")


def confirm(call: Call) -> Json:
    """Serve POST /v1/payment_intents/{intent}/confirm, with the new or the earlier method."""
    call.params.only(*CONFIRMATION_PARAMS)
    intent = call.object_in_path("payment_intent", "intent")
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
    payment_method = payment_methods.from_params(call, call.params)
    if payment_method is None and intent["payment_method"]:
        payment_method = call.store.find("payment_method", intent["payment_method"])
    check_return_url(call.params, intent, created=True)
    check_method(intent, payment_method)
    if email := receipt_email(call.params):
        intent["receipt_email"] = email
    return confirmation.confirm(call, intent, payment_method) if payment_method else intent


def cancel(call: Call) -> Json:
    """Serve POST /v1/payment_intents/{intent}/cancel."""
    call.params.only("cancellation_reason")
    reason = call.params.choice("cancellation_reason", *CANCELLATION_REASONS)
    intent = call.object_in_path("payment_intent", "intent")
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


def check_return_url(params: Params, intent: Json, *, created: bool) -> None:
    """Raise StripeError if the method can redirect the buyer and `return_url` is missing."""
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    off_session = params.text("off_session") not in (None, "false")
    if redirects and not off_session and params.text("return_url") is None:
        error = invalid_request(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and Payment Intents."
        )
        if created:
            error.error["payment_intent"] = intent
        raise error


def check_method(intent: Json, payment_method: Json | None) -> None:
    """Raise StripeError if the method is missing or not allowed for the intent."""
    if payment_method is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )
    if payment_method["type"] not in intent["payment_method_types"]:
        raise invalid_request(
            f"The PaymentMethod provided ({payment_method['type']}) is not allowed for this "
            "PaymentIntent. Please attach a PaymentMethod of one of the following types: "
            f"{', '.join(intent['payment_method_types'])}.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
