"""Request and response models of orders."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime
from ticketing_common.web.schemas import ApiModel

OrderId = Annotated[Id, Path(alias="orderId")]


class OrderRequest(ApiModel):
    ticket_id: Id


class OrderedTicketResponse(ApiModel):
    """The ticket as it was when it was ordered."""

    id: Id
    title: str
    price: Price


class OrderResponse(ApiModel):
    id: Id
    status: OrderStatus
    user_id: Id
    """The buyer."""
    expires_at: UtcTime
    """The end of the time to pay."""
    version: int = Field(ge=0)
    ticket: OrderedTicketResponse
    reason: CancelReason | None = None
    """Why it was cancelled, null if it was not."""
