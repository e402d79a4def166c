"""Cursor pagination with `Link` headers."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Self

from beanie import PydanticObjectId
from bson import ObjectId
from bson.errors import InvalidId
from fastapi import Query
from pydantic import BeforeValidator
from starlette.datastructures import URL

from ticketing_common.errors import BadRequest
from ticketing_common.validation_messages import rule_error

_DIGITS = re.compile("[0-9]{1,9}")


def _require_digits(value: object) -> object:
    """Refuse the other notations that pydantic reads, such as 1_0 and 10.0."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise rule_error("int_parsing")
    return value


Limit = Annotated[int, Query(ge=1, le=100), BeforeValidator(_require_digits)]
CursorText = Annotated[str | None, Query(max_length=200, description="From the `Link` header.")]


class InvalidCursor(BadRequest):
    """The cursor is not from a `Link` header of this list."""

    code = "invalid_cursor"
    message = "Invalid cursor. Start again without `cursor`."

    def __init__(self) -> None:
        super().__init__(field="cursor")


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: its sort value and its id."""

    value: str
    id: PydanticObjectId

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor. Raises: InvalidCursor."""
        try:
            value, row_id = json.loads(base64.b64decode(text, b"-_", validate=True))
            return cls(str(value), PydanticObjectId(ObjectId(row_id)))
        except (binascii.Error, ValueError, TypeError, InvalidId, RecursionError):
            raise InvalidCursor from None

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.value, str(self.id)]).encode()).decode()


def page(
    rows: list[dict[str, Any]], limit: int, sort_field: str, url: URL
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the first `limit` rows and, if there are more, the `Link` header of the next page.

    Query one row more than the limit, so that a further page is noticed.
    """
    first = rows[:limit]
    last = next((row for row in reversed(first) if _has_position(row, sort_field)), None)
    if len(rows) <= limit or last is None:
        return first, None
    following = url.include_query_params(cursor=str(Cursor(str(last[sort_field]), last["_id"])))
    return first, f'<{following.path}?{following.query}>; rel="next"'


def _has_position(row: dict[str, Any], sort_field: str) -> bool:
    """Return whether a page can continue after the row, which was perhaps stored by hand."""
    return isinstance(row["_id"], ObjectId) and isinstance(
        row.get(sort_field), ObjectId | int | float
    )
