"""Amounts: whole numbers of a currency's smallest unit, within Stripe's limits."""

from ticketing_dev.standins.stripe.errors import invalid
from ticketing_dev.standins.stripe.params import Params

# The least that Stripe charges (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
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


def written(amount: int, currency: str) -> str:
    """An amount as Stripe's messages and the page say it, e.g. `$0.50`."""
    symbol = SYMBOLS.get(currency)
    number = major(amount, currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def spelled(amount: int, currency: str) -> str:
    """An amount as a bank says it to a buyer, e.g. `0.50 USD`."""
    return f"{major(amount, currency)} {currency.upper()}"


def major(amount: int, currency: str) -> str:
    """The number alone, in major units."""
    return f"{amount:,}" if currency in NO_MINOR_UNIT else f"{amount // 100:,}.{amount % 100:02}"


def price(params: Params) -> tuple[int, str]:
    """The `amount` and `currency` of a request."""
    params.required("amount")
    currency = params.required("currency").lower()
    if currency not in MINIMUM:
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            + ", ".join(sorted(MINIMUM)),
            param="currency",
        )
    return within_limits(params.integer("amount") or 0, currency), currency


def within_limits(amount: int, currency: str) -> int:
    if amount < 1:
        raise invalid(
            "The amount must be greater than or equal to the minimum charge amount allowed for "
            "your account and the currency set. If you want to save a Payment Method for future "
            "use without an immediate payment, use a Setup Intent instead.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < MINIMUM[currency]:
        raise invalid(
            f"Amount must be at least {written(MINIMUM[currency], currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )
    if amount > MAXIMUM:
        raise invalid(
            f"Amount must be no more than {written(MAXIMUM, currency)}",
            code="amount_too_large",
            param="amount",
        )
    return amount
