"""Request and response models of tickets."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from fastapi import Path
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
)

from ticketing_common.events import Id, Price, UtcTime
from ticketing_common.money import (
    MAXIMUM_CHARGE,
    MINIMUM_CHARGES,
    require_chargeable,
    require_number,
    to_json_number,
    to_minor_units,
)
from ticketing_common.text import PLAIN_TEXT_PATTERN
from ticketing_common.web.schemas import ApiModel, Normalized, PlainText, VisibleText

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Normalized,
    VisibleText,
    Field(json_schema_extra={"pattern": PLAIN_TEXT_PATTERN}),
]
RequestedPrice = Annotated[
    int,
    BeforeValidator(to_minor_units),
    WithJsonSchema({"type": "number", "multipleOf": 0.01, "examples": [25, 19.99]}),
]
SearchQuery = Annotated[str, StringConstraints(max_length=200), Normalized, PlainText]
TicketId = Annotated[Id, Path(alias="ticketId")]


def _add_price_range(schema: dict[str, Any], model: type[Any]) -> None:
    currency = model.currency
    schema["properties"]["price"] |= {
        "minimum": to_json_number(MINIMUM_CHARGES[currency]),
        "maximum": to_json_number(MAXIMUM_CHARGE),
        "description": f"Major units of {currency.upper()}, in the range that can be charged.",
    }


class TicketRequest(ApiModel):
    model_config = ConfigDict(json_schema_extra=_add_price_range)

    currency: ClassVar[str] = "usd"
    """`CURRENCY`, which determines the range of prices. Set by `create_app`."""

    title: Title
    price: RequestedPrice

    @field_validator("price", mode="before")
    @classmethod
    def _require_number(cls, price: object) -> object:
        return require_number(price, cls.currency)

    @field_validator("price")
    @classmethod
    def _require_chargeable(cls, price: int) -> int:
        return require_chargeable(price, cls.currency)


class TicketResponse(ApiModel):
    id: Id
    title: str
    price: Price
    user_id: Id
    """The seller."""
    order_id: Id | None
    """The order that reserved or bought it, null while it is for sale."""
    reserved_until: UtcTime | None = None
    """The end of the buyer's time to pay, null while it is for sale or sold."""
    sold_at: UtcTime | None = None
    """When it was sold, null until then."""
    version: int = Field(ge=0)


class Terms(ApiModel):
    title: str
    price: Price


class WentEventData(ApiModel):
    """The data of a `went` event."""

    id: Id
    version: int = Field(ge=0)
    order_id: Id | None
    """The order that reserved or bought it, null if it was deleted."""
    reserved_until: UtcTime | None = None
    """As in a ticket."""
    sold_at: UtcTime | None = None
    """As in a ticket."""
    terms: Terms | None
    """Title and price as they were ordered, null if it was deleted."""


class Sort(StrEnum):
    NEWEST = "newest"
    PRICE_ASCENDING = "price"
    PRICE_DESCENDING = "-price"


class SellerFilter(StrEnum):
    ME = "me"
