"""Cursor pagination with `Link` headers."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Annotated, Any, Self

from beanie import PydanticObjectId
from bson import ObjectId
from bson.errors import InvalidId
from fastapi import Query, Request, Response

from ticketing_common.errors import BadRequest

Limit = Annotated[int, Query(ge=1, le=100)]
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
            value, row_id = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(str(value), PydanticObjectId(ObjectId(row_id)))
        except (binascii.Error, ValueError, TypeError, InvalidId, RecursionError):
            raise InvalidCursor from None

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.value, str(self.id)]).encode()).decode()


def page(
    rows: list[dict[str, Any]], limit: int, sort_field: str, request: Request, response: Response
) -> list[dict[str, Any]]:
    """Return the first `limit` rows and set a `Link` header if there are more.

    Query one row more than the limit, so that a further page is noticed.
    """
    first = rows[:limit]
    if len(rows) > limit:
        last = Cursor(str(first[-1][sort_field]), first[-1]["_id"])
        url = request.url.include_query_params(cursor=str(last))
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return first
