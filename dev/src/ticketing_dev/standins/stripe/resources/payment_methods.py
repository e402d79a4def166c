"""Payment methods: each use of a test card creates a new one, as at Stripe."""

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request, resource_missing
from ticketing_dev.standins.stripe.api.params import Params
from ticketing_dev.standins.stripe.api.serialization import TEST_CARD
from ticketing_dev.standins.stripe.resources.cards import PAYMENT_METHODS, TOKENS, Card
from ticketing_dev.standins.stripe.store import new_id


def create(call: Call) -> Json:
    """Serve POST /v1/payment_methods."""
    call.params.only("type", "card", "metadata")
    return create_from_data(call, call.params)


def retrieve(call: Call) -> Json:
    """Serve GET /v1/payment_methods/{payment_method}."""
    call.params.only()
    return call.object_in_path("payment_method", "payment_method")


def from_params(call: Call, params: Params) -> Json | None:
    """Return the method of `payment_method`, or a new one from `payment_method_data`."""
    data = params.group("payment_method_data")
    name = params.text("payment_method")
    if name and data:
        raise invalid_request(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
            param="payment_method_data",
        )
    if data:
        data.only("type", "card", "billing_details")
        return create_from_data(call, data)
    if name in PAYMENT_METHODS:
        return call.store.add(new_method(PAYMENT_METHODS[name], name))
    if name:
        found = call.store.find("payment_method", name)
        if found is None:
            raise resource_missing("PaymentMethod", name, param="payment_method")
        return found
    return None


def create_from_data(call: Call, data: Params) -> Json:
    """Create a method from `type=card` and `card[token]`."""
    data.required("type")
    if data.choice("type", "card") == "card":
        card = data.group("card") or Params({}, data.full_name("card"))
        if "number" in card.values:
            raise invalid_request(
                "Sending credit card numbers directly to the Stripe API is generally unsafe. "
                "We suggest you use test tokens that map to the test card you are using, see "
                "https://stripe.com/docs/testing.",
                param=card.full_name("number"),
            )
        card.only("token")
        token = card.required("token")
        if token not in TOKENS:
            raise resource_missing("token", token, param=card.full_name("token"))
    return call.store.add(new_method(TOKENS[token], token))


def card_of(payment_method: Json) -> Card:
    """Return the test card of a payment method, which the API does not expose."""
    name: str = payment_method[TEST_CARD]
    return PAYMENT_METHODS.get(name) or TOKENS[name]


def new_method(card: Card, name: str) -> Json:
    """Return the JSON of a new payment method."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        card.type: type_details(card),
        "created": now(),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": card.type,
        TEST_CARD: name,
    }


def billing_details() -> Json:
    """Return empty billing details."""
    fields = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "address": dict.fromkeys(fields),
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }


def type_details(card: Card) -> Json:
    """Return the details of the card or bank account."""
    if card.type != "card":
        return {"bank_name": "STRIPE TEST BANK", "last4": card.last4, "account_type": "checking"}
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"standin{card.last4}{card.brand}",
        "funding": card.funding,
        "last4": card.last4,
        "network": card.brand,
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
