"""Money: an integer of the currency's minor units inside, a number of major units in JSON."""

import math
from decimal import Decimal

from pydantic_core import PydanticCustomError, PydanticKnownError

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


def to_minor_units(number: object) -> int:
    """Convert a JSON number of major units.

    Exact: a float stands for the decimal that it was parsed from, which is its shortest text.

    Raises: PydanticCustomError or PydanticKnownError for anything but a finite number with at most
    two decimals.
    """
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise PydanticCustomError("number_type", "Input should be a number")
    if isinstance(number, int):
        return number * 100
    if not math.isfinite(number):
        raise PydanticKnownError("finite_number")
    minor_units = Decimal(repr(number)).scaleb(2)
    if minor_units != minor_units.to_integral_value():
        raise PydanticKnownError("decimal_max_places", {"decimal_places": 2})
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


def require_chargeable(minor_units: int, currency: str) -> int:
    """Return the price. Raises: PydanticCustomError if it cannot be charged in the currency."""
    minimum = MINIMUM_CHARGES[currency]
    if not minimum <= minor_units <= MAXIMUM_CHARGE:
        raise PydanticCustomError(
            "price_out_of_range",
            "Price should be from {minimum} to {maximum} {currency}",
            {
                "minimum": format_price(minimum),
                "maximum": format_price(MAXIMUM_CHARGE),
                "currency": currency.upper(),
            },
        )
    return minor_units
