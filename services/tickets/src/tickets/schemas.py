"""What tickets' routes take and give."""

import re
from enum import StrEnum
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ticketing_common.events import Id, Price
from ticketing_common.web.schemas import ApiModel

# Not str.isprintable, which refuses the joiners inside emoji and every space but one, too.
_CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f"


def _without_controls(text: str) -> str:
    if re.search(f"[{_CONTROLS}]", text):
        raise PydanticCustomError("control_characters", "String should have no control characters")
    return text


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_controls),
    Field(json_schema_extra={"pattern": f"^[^{_CONTROLS}]*$"}),
]
TicketId = Annotated[Id, Path(alias="ticketId")]


class TicketChanges(ApiModel):
    title: Title
    price: Price


class TicketOut(ApiModel):
    id: Id
    title: str
    price: Price
    user_id: Id
    order_id: Id | None
    version: int = Field(ge=0)


class TicketGone(ApiModel):
    id: Id
    version: int = Field(ge=0)
    order_id: Id | None
    """The order that holds it; None where it was withdrawn."""


class ResetOut(ApiModel):
    """What was missed is not known."""


class Sort(StrEnum):
    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"


class Seller(StrEnum):
    ME = "me"
