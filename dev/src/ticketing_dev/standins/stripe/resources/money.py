"""Amounts: integers of a currency's minor unit, within Stripe's limits."""

from ticketing_dev.standins.stripe.api.errors import invalid_request
from ticketing_dev.standins.stripe.api.params import Params

# Stripe's minimum charge (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
MINIMUM = {
    "usd": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}
MAXIMUM = 99_999_999
NO_MINOR_UNIT = {"jpy"}
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def format_amount(amount: int, currency: str) -> str:
    """Format an amount as Stripe's messages do, e.g. `$0.50`."""
    symbol = SYMBOLS.get(currency)
    number = format_number(amount, currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def format_with_code(amount: int, currency: str) -> str:
    """Format an amount with its currency code, e.g. `0.50 USD`."""
    return f"{format_number(amount, currency)} {currency.upper()}"


def format_number(amount: int, currency: str) -> str:
    """Format an amount in major units, without the currency."""
    return f"{amount:,}" if currency in NO_MINOR_UNIT else f"{amount // 100:,}.{amount % 100:02}"


def price(params: Params) -> tuple[int, str]:
    """Return the `amount` and `currency` of a request. Raises StripeError."""
    params.required("amount")
    currency = params.required("currency").lower()
    if currency not in MINIMUM:
        raise invalid_request(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            + ", ".join(sorted(MINIMUM)),
            param="currency",
        )
    return check_limits(params.integer("amount") or 0, currency), currency


def check_limits(amount: int, currency: str) -> int:
    """Return the amount; raise StripeError if it is below the minimum or above the maximum."""
    if amount < 1:
        raise invalid_request(
            "The amount must be greater than or equal to the minimum charge amount allowed for "
            "your account and the currency set. If you want to save a Payment Method for future "
            "use without an immediate payment, use a Setup Intent instead.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < MINIMUM[currency]:
        raise invalid_request(
            f"Amount must be at least {format_amount(MINIMUM[currency], currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )
    if amount > MAXIMUM:
        raise invalid_request(
            f"Amount must be no more than {format_amount(MAXIMUM, currency)}",
            code="amount_too_large",
            param="amount",
        )
    return amount
