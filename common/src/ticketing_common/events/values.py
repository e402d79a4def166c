"""The values that events, documents and requests are made of."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

_HEX = re.compile("[0-9a-f]{24}")


def utc_now() -> datetime:
    """The present, in UTC and in the milliseconds that MongoDB keeps."""
    return in_milliseconds(datetime.now(UTC))


def in_milliseconds(time: datetime) -> datetime:
    """The time in UTC, cut to the milliseconds that MongoDB keeps."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _only_a_number(value: object) -> object:
    if hasattr(value, "to_decimal"):  # as MongoDB's driver gives it back
        return value.to_decimal()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("Input should be a number")
    return value


def _only_an_id(value: object) -> str:
    text = str(value)
    if not _HEX.fullmatch(text):
        raise ValueError("Should be an id of 24 hex digits")
    return text


def _as_json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Id = Annotated[
    str,
    BeforeValidator(_only_an_id),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]
"""24 hex digits. An ObjectId becomes its text."""

Price = Annotated[
    Decimal,
    Field(gt=0, le=1_000_000, max_digits=9, decimal_places=2),
    BeforeValidator(_only_a_number),
    PlainSerializer(_as_json_number, when_used="json"),
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1_000_000,
            "multipleOf": 0.01,
            "examples": [25, 19.99],
        }
    ),
]
"""Major units of the currency: a JSON number with at most two decimals, a Decimal inside."""

UtcTime = Annotated[AwareDatetime, AfterValidator(in_milliseconds)]
"""ISO 8601 in UTC, in milliseconds."""
