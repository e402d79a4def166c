"""Payment methods: each use of a test card makes one of its own, as Stripe does."""

from ticketing_dev.standins.stripe.call import Call, now
from ticketing_dev.standins.stripe.cards import PAYMENT_METHODS, TOKENS, Card
from ticketing_dev.standins.stripe.errors import Json, invalid, no_such
from ticketing_dev.standins.stripe.params import Params
from ticketing_dev.standins.stripe.store import new_id
from ticketing_dev.standins.stripe.wire import TEST_CARD


def create(call: Call) -> Json:
    call.params.only("type", "card", "metadata")
    return make(call, call.params)


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("payment_method", "payment_method")


def given(call: Call, params: Params) -> Json | None:
    """The method a request pays with: `payment_method`, or one made of `payment_method_data`."""
    data = params.group("payment_method_data")
    name = params.text("payment_method")
    if name and data:
        raise invalid(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
            param="payment_method_data",
        )
    if data:
        data.only("type", "card", "billing_details")
        return make(call, data)
    if name in PAYMENT_METHODS:
        return call.store.add(method(PAYMENT_METHODS[name], name))
    if name:
        found = call.store.find("payment_method", name)
        if found is None:
            raise no_such("PaymentMethod", name, param="payment_method")
        return found
    return None


def make(call: Call, data: Params) -> Json:
    """A new method from `type=card` and `card[token]`."""
    data.required("type")
    if data.choice("type", "card") == "card":
        card = data.group("card") or Params({}, data.called("card"))
        if "number" in card.values:
            raise invalid(
                "Sending credit card numbers directly to the Stripe API is generally unsafe. "
                "We suggest you use test tokens that map to the test card you are using, see "
                "https://stripe.com/docs/testing.",
                param=card.called("number"),
            )
        card.only("token")
        token = card.required("token")
        if token not in TOKENS:
            raise no_such("token", token, param=card.called("token"))
    return call.store.add(method(TOKENS[token], token))


def card_of(paid_with: Json) -> Card:
    """What the stand-in knows and the JSON does not tell: how this card behaves."""
    name: str = paid_with[TEST_CARD]
    return PAYMENT_METHODS.get(name) or TOKENS[name]


def method(card: Card, name: str) -> Json:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(),
        card.type: details(card),
        "created": now(),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": card.type,
        TEST_CARD: name,
    }


def billing_details() -> Json:
    parts = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "address": dict.fromkeys(parts),
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }


def details(card: Card) -> Json:
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
