"""Request and response models of orders."""

from typing import Annotated

from fastapi import Path
from pydantic import Field, ValidationInfo, field_validator

from ticketing_common.errors import Conflict, ErrorDetail
from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime
from ticketing_common.validation_messages import rule_error
from ticketing_common.web.schemas import ApiModel

MAX_VERSION = 2**53
"""The highest integer that every JSON parser reads exactly."""
OrderId = Annotated[Id, Path(alias="orderId")]


Version = Annotated[int, Field(ge=0, le=MAX_VERSION)]


class OrderRequest(ApiModel):
    ticket_id: Id
    ticket_versions: dict[Id, Version] | None = None
    """The `version` of the ticket that the buyer saw, by the ticket's id. The order is then refused
    if the ticket has another title or price now."""

    @field_validator("ticket_versions")
    @classmethod
    def _require_ordered_ticket(
        cls, versions: dict[str, int] | None, info: ValidationInfo
    ) -> dict[str, int] | None:
        ordered = info.data.get("ticket_id")
        if ordered is not None and {*(versions or ())} - {ordered}:
            raise rule_error("other_ticket")
        return versions

    @property
    def seen_version(self) -> int | None:
        """The version of the ticket that the buyer saw, if the request has it."""
        return (self.ticket_versions or {}).get(self.ticket_id)


class OrderedTicketResponse(ApiModel):
    """The ticket as it was when it was ordered."""

    id: Id
    title: str
    price: Price
    version: int | None = None
    """The version that was ordered, null for old orders."""


class ChangedTicket(ErrorDetail):
    """The error of an order whose ticket has other terms than the buyer saw."""

    ticket: OrderedTicketResponse
    """The ticket as it is now."""


class TermsChanged(Conflict):
    """The ticket has another title or price than the buyer saw. The error has it as `ticket`."""

    code = "terms_changed"
    message = "The seller has changed this ticket. Check its title and price, then order again."

    def __init__(self, ticket: OrderedTicketResponse) -> None:
        super().__init__(field="ticketVersions")
        self._ticket = ticket

    def detail(self) -> ErrorDetail:
        return ChangedTicket(**dict(super().detail()), ticket=self._ticket)


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
