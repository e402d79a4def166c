"""Field types shared by domain events, documents and API schemas."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from ticketing_common.money import to_json_number, to_minor_units
from ticketing_common.validation_messages import rule_error

MAX_PRICE = 1_000_000_00
"""The highest price, in minor units."""
_HEX = re.compile("[0-9a-f]{24}")


def utc_now() -> datetime:
    """Return the current time in UTC, in the milliseconds that MongoDB stores."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(time: datetime) -> datetime:
    """Convert a time to UTC and cut it to the milliseconds that MongoDB stores."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _to_price(value: object, info: ValidationInfo) -> int:
    if info.mode == "json":
        return to_minor_units(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise rule_error("int_type")
    return value


def _require_id(value: object) -> str:
    # A number of 24 digits is no id, although its text has the form of one.
    text = "" if isinstance(value, int) else str(value)
    if not _HEX.fullmatch(text):
        raise rule_error("invalid_id")
    return text


Id = Annotated[
    str,
    BeforeValidator(_require_id),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]
"""An id of 24 hex digits. Accepts an ObjectId."""

Price = Annotated[
    int,
    Field(gt=0, le=MAX_PRICE),
    BeforeValidator(_to_price),
    PlainSerializer(to_json_number, when_used="json"),
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
"""An integer of the currency's minor units in Python and MongoDB. In JSON a number of its major
units with at most two decimals."""

UtcTime = Annotated[AwareDatetime, AfterValidator(to_milliseconds)]
"""A time in UTC, in milliseconds; ISO 8601 in JSON."""
