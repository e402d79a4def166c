"""What tickets' routes take and give."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field, StringConstraints

from ticketing_common.events import Id, Price
from ticketing_common.wire import Wire


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("String should have no control characters")
    return text


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]
TicketId = Annotated[Id, Path(alias="ticketId")]


class TicketChanges(Wire):
    title: Title
    price: Price


class TicketOut(Wire):
    id: Id
    title: str
    price: Price
    user_id: Id
    order_id: Id | None
    version: int = Field(ge=0)


class Sort(StrEnum):
    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"


class Seller(StrEnum):
    ME = "me"
