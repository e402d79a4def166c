"""PaymentIntents: made, confirmed, cancelled; what the card then does is in `attempts`."""

import re

from ticketing_dev.stand_ins.stripe import attempts, charges, descriptors, events, payment_methods
from ticketing_dev.stand_ins.stripe.call import Call, now
from ticketing_dev.stand_ins.stripe.errors import Json, invalid, unexpected_state
from ticketing_dev.stand_ins.stripe.lists import listing
from ticketing_dev.stand_ins.stripe.money import price
from ticketing_dev.stand_ins.stripe.params import Params
from ticketing_dev.stand_ins.stripe.store import new_id

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
METHOD_TYPES = ["card", "us_bank_account"]
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


def receipt_email(params: Params) -> str | None:
    email = params.text("receipt_email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid(
            f"Invalid email address: {email}", code="email_invalid", param="receipt_email"
        )
    return email


def automatic_methods(params: Params) -> Json | None:
    """Whether Stripe picks the methods: yes, unless the request says which it allows."""
    asked = params.group("automatic_payment_methods")
    if params.texts("allowed_payment_method_types"):
        if asked:
            raise invalid(
                "You may only specify one of these parameters: automatic_payment_methods, "
                "allowed_payment_method_types.",
                param="allowed_payment_method_types",
            )
        return None
    if asked is None:
        return {"allow_redirects": "always", "enabled": True}
    asked.only("enabled", "allow_redirects")
    asked.required("enabled")
    if not asked.boolean("enabled"):
        return None
    return {
        "allow_redirects": asked.choice("allow_redirects", "always", "never") or "always",
        "enabled": True,
    }


def method_types(params: Params) -> list[str]:
    """Of the methods that this stand-in plays, those that the request allows."""
    allowed = params.texts("allowed_payment_method_types") or METHOD_TYPES
    return [one for one in METHOD_TYPES if one in allowed]


def new_intent(amount: int, currency: str, params: Params) -> Json:
    name = new_id("pi")
    return {
        "id": name,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic_methods(params),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{name}_{new_id('secret')}",
        "confirmation_method": "automatic",
        "created": now(),
        "currency": currency,
        "customer": None,
        "description": params.text("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.metadata(),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": method_types(params),
        "processing": None,
        "receipt_email": receipt_email(params),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": descriptors.suffix(params),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
