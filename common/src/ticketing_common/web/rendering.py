"""JSON of stored rows, built by hand: hot reads create no document and no response model."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from bson import ObjectId

from ticketing_common.events import MAX_PRICE
from ticketing_common.invalid_rows import INVALID, report_invalid
from ticketing_common.money import to_json_number

Row = dict[str, Any]

_is_id = re.compile("[0-9a-f]{24}").fullmatch

render_text = encode_basestring
"""Return a string as JSON. Raises: TypeError."""


class NotRenderable(ValueError):
    """A stored row has a value that its response model does not allow."""


def render_object_id(value: object) -> str:
    """Return an ObjectId as JSON. Raises: NotRenderable."""
    if not isinstance(value, ObjectId):
        raise NotRenderable(f"not an ObjectId: {value!r}")
    return f'"{value.binary.hex()}"'


# These have few different values in one list. `typed`: True is not 1.
@lru_cache(4096, typed=True)
def render_id(value: object) -> str:
    """Return the text of an id as JSON. Raises: NotRenderable, TypeError."""
    if not isinstance(value, str) or _is_id(value) is None:
        raise NotRenderable(f"not an id: {value!r}")
    return f'"{value}"'


@lru_cache(4096, typed=True)
def render_price(value: object) -> str:
    """Return a price of minor units as JSON of major units. Raises: NotRenderable, TypeError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_PRICE:
        raise NotRenderable(f"not a price: {value!r}")
    return repr(to_json_number(int(value)))


@lru_cache(1024, typed=True)
def render_version(value: object) -> str:
    """Return a version as JSON. Raises: NotRenderable, TypeError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NotRenderable(f"not a version: {value!r}")
    return str(value)


def render_time(value: object) -> str:
    """Return a time in UTC as JSON. Raises: NotRenderable."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise NotRenderable(f"not a time: {value!r}")
    return f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"'


def render_rows(kind: str, rows: Iterable[Row], render: Callable[[Row], str]) -> str:
    """Return a JSON array. A row that cannot be rendered is left out and logged."""
    texts = []
    for row in rows:
        try:  # cheaper than `omit_invalid`
            texts.append(render(row))
        except INVALID as error:
            report_invalid(kind, row["_id"], error)
    return f"[{','.join(texts)}]"
