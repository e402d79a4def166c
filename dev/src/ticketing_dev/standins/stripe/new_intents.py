"""What a PaymentIntent is when it is made: its parameters, checked, and all its other fields."""

import re

from ticketing_dev.standins.stripe import descriptors
from ticketing_dev.standins.stripe.call import now
from ticketing_dev.standins.stripe.errors import Json, invalid
from ticketing_dev.standins.stripe.params import Params
from ticketing_dev.standins.stripe.store import new_id

METHOD_TYPES = ["card", "us_bank_account"]


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
