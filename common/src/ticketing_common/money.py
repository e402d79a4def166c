"""Money: an integer of the currency's minor units inside, a number of major units in JSON."""

import math
import re
from decimal import Decimal

from ticketing_common.validation_messages import rule_error

MINIMUM_CHARGES = {
    "aed": 2_00,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 15_00,
    "dkk": 2_50,
    "eur": 50,
    "gbp": 30,
    "hkd": 4_00,
    "inr": 50,
    "mxn": 10_00,
    "myr": 2_00,
    "nok": 3_00,
    "nzd": 50,
    "pln": 2_00,
    "ron": 2_00,
    "sek": 3_00,
    "sgd": 50,
    "thb": 10_00,
    "usd": 50,
}
"""The supported currencies, each with the least that Stripe charges, in minor units.

Source: docs.stripe.com/currencies, "Minimum and maximum charge amounts". Prices have two decimals,
so currencies with another minor unit than a hundredth are not supported, such as jpy, nor is huf,
whose hundredths Stripe cannot always charge.
"""
MAXIMUM_CHARGE = 999_999_99
"""The most that Stripe charges in each of these currencies, in minor units."""
_AMBIGUOUS_PRICE = re.compile(r"[^0-9.,]{0,9}([1-9][0-9]{0,2})[.,]([0-9]{3})[^0-9.,]{0,9}")


def to_minor_units(number: object) -> int:
    """Convert a JSON number of major units.

    Exact: a float stands for the decimal that it was parsed from, which is its shortest text.

    Raises: PydanticCustomError for anything but a finite number with at most two decimals.
    """
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise rule_error("number_type")
    if isinstance(number, int):
        return number * 100
    if not math.isfinite(number):
        raise rule_error("finite_number")
    minor_units = Decimal(repr(number)).scaleb(2)
    if minor_units != minor_units.to_integral_value():
        raise rule_error("decimal_max_places", decimal_places=2)
    return int(minor_units)


def to_json_number(minor_units: int) -> int | float:
    """Convert minor units to the JSON number of major units.

    Exact: Python rounds the quotient of two integers once, to the float nearest to the decimal.
    """
    major_units, rest = divmod(minor_units, 100)
    return minor_units / 100 if rest else major_units


def format_price(minor_units: int) -> str:
    """Format a price in major units, without its currency: 1,234.50."""
    return f"{minor_units // 100:,}.{minor_units % 100:02}"


def with_currency(price: str, currency: str) -> str:
    """Add the currency to a formatted price: `$`, or a code, because signs have several meanings.

    $1,234.50 or 1,234.50 EUR.
    """
    return f"${price}" if currency == "usd" else f"{price} {currency.upper()}"


def require_number(value: object, currency: str) -> object:
    """Return a price that is a number. It is not text, because 1,500 can mean two prices.

    Raises: PydanticCustomError for anything else. The message asks which price is meant.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (price := _AMBIGUOUS_PRICE.fullmatch(value)):
        whole, rest = price.groups()
        raise rule_error(
            "ambiguous_price",
            text=value.strip(),
            thousands=f"{whole}{rest}",
            decimals=f"{whole}.{rest}",
        )
    raise rule_error("number_type", currency=currency.upper())


def require_chargeable(minor_units: int, currency: str) -> int:
    """Return the price. Raises: PydanticCustomError if it cannot be charged in the currency."""
    minimum = MINIMUM_CHARGES[currency]
    if not minimum <= minor_units <= MAXIMUM_CHARGE:
        raise rule_error(
            "price_out_of_range",
            minimum=with_currency(format_price(minimum), currency),
            maximum=with_currency(format_price(MAXIMUM_CHARGE), currency),
        )
    return minor_units
