"""What orders' routes take and give."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime
from ticketing_common.web.schemas import ApiModel

OrderId = Annotated[Id, Path(alias="orderId")]


class NewOrder(ApiModel):
    ticket_id: Id


class OrderedTicketOut(ApiModel):
    id: Id
    title: str
    price: Price


class OrderOut(ApiModel):
    id: Id
    status: OrderStatus
    user_id: Id
    expires_at: UtcTime
    version: int = Field(ge=0)
    ticket: OrderedTicketOut
    reason: CancelReason | None = None
    """Why it was cancelled, null where it was not."""
