"""Long lists, a page at a time."""

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
CursorText = Annotated[str | None, Query(max_length=200, description="From the Link header.")]


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: what the list is sorted by, and its id."""

    value: str
    id: PydanticObjectId

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadRequest for what we did not make."""
        try:
            value, row_id = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(str(value), PydanticObjectId(ObjectId(row_id)))
        except (binascii.Error, ValueError, TypeError, InvalidId, RecursionError):
            raise BadRequest("Not a cursor of this list", field="cursor") from None

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.value, str(self.id)]).encode()).decode()


def page(
    rows: list[dict[str, Any]], limit: int, sorted_by: str, request: Request, response: Response
) -> list[dict[str, Any]]:
    """The first `limit` of the rows that were found, with a Link to the next where there are more.

    Ask the database for one row more than the limit, to know.
    """
    shown = rows[:limit]
    if len(rows) > limit:
        last = Cursor(str(shown[-1][sorted_by]), shown[-1]["_id"])
        url = request.url.include_query_params(cursor=str(last))
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return shown
