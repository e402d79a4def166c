"""The values that events, documents and requests are made of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)


def utc_now() -> datetime:
    """The present, in UTC and in the milliseconds that MongoDB keeps."""
    return in_milliseconds(datetime.now(UTC))


def in_milliseconds(time: datetime) -> datetime:
    """The time in UTC, cut to the milliseconds that MongoDB keeps."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _only_a_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("Input should be a number")
    return value


def _as_json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Id = Annotated[str, BeforeValidator(str), StringConstraints(pattern=r"^[0-9a-f]{24}$")]
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
