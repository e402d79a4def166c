"""The fields of a new PaymentIntent, from validated parameters."""

import re

from ticketing_dev.standins.stripe.api.call import now
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request
from ticketing_dev.standins.stripe.api.params import Params
from ticketing_dev.standins.stripe.resources import statement_descriptors
from ticketing_dev.standins.stripe.store import new_id

METHOD_TYPES = ["card", "us_bank_account"]


def receipt_email(params: Params) -> str | None:
    """Return `receipt_email`. Raises StripeError."""
    email = params.text("receipt_email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid_request(
            f"Invalid email address: {email}", code="email_invalid", param="receipt_email"
        )
    return email


def automatic_methods(params: Params) -> Json | None:
    """Return `automatic_payment_methods`: enabled, unless the request lists allowed types."""
    requested = params.group("automatic_payment_methods")
    if params.texts("allowed_payment_method_types"):
        if requested:
            raise invalid_request(
                "You may only specify one of these parameters: automatic_payment_methods, "
                "allowed_payment_method_types.",
                param="allowed_payment_method_types",
            )
        return None
    if requested is None:
        return {"allow_redirects": "always", "enabled": True}
    requested.only("enabled", "allow_redirects")
    requested.required("enabled")
    if not requested.boolean("enabled"):
        return None
    return {
        "allow_redirects": requested.choice("allow_redirects", "always", "never") or "always",
        "enabled": True,
    }


def method_types(params: Params) -> list[str]:
    """Return the payment method types that are both supported here and allowed."""
    allowed = params.texts("allowed_payment_method_types") or METHOD_TYPES
    return [one for one in METHOD_TYPES if one in allowed]


def new_intent(amount: int, currency: str, params: Params) -> Json:
    """Return the JSON of a new PaymentIntent."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
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
        "client_secret": f"{intent_id}_{new_id('secret')}",
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
        "statement_descriptor_suffix": statement_descriptors.suffix(params),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
