"""Field types shared by domain events, documents and API schemas."""

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
from pydantic_core import PydanticCustomError

_HEX = re.compile("[0-9a-f]{24}")


def utc_now() -> datetime:
    """Return the current time in UTC, in the milliseconds that MongoDB stores."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(time: datetime) -> datetime:
    """Convert a time to UTC and cut it to the milliseconds that MongoDB stores."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _require_number(value: object) -> object:
    if hasattr(value, "to_decimal"):  # a Decimal128 of MongoDB
        return value.to_decimal()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


def _require_id(value: object) -> str:
    text = str(value)
    if not _HEX.fullmatch(text):
        raise PydanticCustomError("invalid_id", "Should be an id of 24 hex digits")
    return text


def _to_json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Id = Annotated[
    str,
    BeforeValidator(_require_id),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]
"""An id of 24 hex digits. Accepts an ObjectId."""

Price = Annotated[
    Decimal,
    Field(gt=0, le=1_000_000, max_digits=9, decimal_places=2),
    BeforeValidator(_require_number),
    PlainSerializer(_to_json_number, when_used="json"),
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
"""Major units of the currency: in JSON a number with at most two decimals, in Python a Decimal."""

UtcTime = Annotated[AwareDatetime, AfterValidator(to_milliseconds)]
"""A time in UTC, in milliseconds; ISO 8601 in JSON."""
