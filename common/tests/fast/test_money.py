import json
import random
from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from ticketing_common.money import (
    MAXIMUM_CHARGE,
    MINIMUM_CHARGES,
    format_price,
    require_chargeable,
    to_json_number,
    to_minor_units,
)

SAMPLE = random.Random(14).sample(range(50, MAXIMUM_CHARGE + 1), 20_000)


def test_prices_survive_json_exactly() -> None:
    for price in [*range(1, 10_000), *range(MAXIMUM_CHARGE - 10_000, MAXIMUM_CHARGE + 1), *SAMPLE]:
        text = json.dumps(to_json_number(price))

        expected = f"{price // 100}.{price % 100:02}".rstrip("0").rstrip(".")
        assert text == expected
        assert to_minor_units(json.loads(text)) == price
        assert to_minor_units(json.loads(f"{price // 100}.{price % 100:02}")) == price


@pytest.mark.parametrize(
    ("text", "minor_units"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("-1", -1_00),
        ("0.5", 50),
        ("0.50", 50),
        ("10", 10_00),
        ("1e2", 100_00),
        ("19.990000", 19_99),
        ("1.1e1", 11_00),
        ("1e22", 10**24),
        ("9" * 4_000, (10**4_000 - 1) * 100),
    ],
    ids=lambda value: str(value)[:10],
)
def test_to_minor_units_reads_json_numbers(text: str, minor_units: int) -> None:
    assert to_minor_units(json.loads(text)) == minor_units


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (12.345, "decimal_max_places"),
        (0.1 + 0.2, "decimal_max_places"),
        (0.001, "decimal_max_places"),
        (5e-324, "decimal_max_places"),
        (float("nan"), "finite_number"),
        (float("inf"), "finite_number"),
        (-float("inf"), "finite_number"),
        (True, "number_type"),
        ("5", "number_type"),
        (None, "number_type"),
        ([5], "number_type"),
        ({}, "number_type"),
    ],
)
def test_to_minor_units_refuses_other_values(value: Any, code: str) -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(Annotated[int, BeforeValidator(to_minor_units)]).validate_python(value)
    assert [rule["type"] for rule in error.value.errors()] == [code]


@pytest.mark.parametrize("currency", MINIMUM_CHARGES)
def test_require_chargeable_has_a_range_for_each_currency(currency: str) -> None:
    minimum = MINIMUM_CHARGES[currency]

    assert require_chargeable(minimum, currency) == minimum
    assert require_chargeable(MAXIMUM_CHARGE, currency) == MAXIMUM_CHARGE
    for price in (minimum - 1, MAXIMUM_CHARGE + 1, 0, -minimum, 10**300):
        with pytest.raises(PydanticCustomError, match=r"between .* and .*999,999\.99") as error:
            require_chargeable(price, currency)
        assert error.value.type == "price_out_of_range"


@pytest.mark.parametrize(
    ("price", "text"), [(5, "0.05"), (50, "0.50"), (25_00, "25.00"), (1_234_50, "1,234.50")]
)
def test_format_price_has_two_decimals(price: int, text: str) -> None:
    assert format_price(price) == text
