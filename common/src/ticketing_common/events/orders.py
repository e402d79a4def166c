"""Domain events published by orders."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from ticketing_common.events.base import VersionedEvent
from ticketing_common.events.values import Id, Price, UtcTime


class OrderStatus(StrEnum):
    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    CANCELLED_BY_BUYER = "cancelled-by-buyer"
    EXPIRED = "expired"
    TICKET_GONE = "ticket-gone"


class TicketRef(BaseModel):
    """The ticket of an order."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: Id


class OrderedTicket(TicketRef):
    """The ticket as it was when it was ordered."""

    title: str
    price: Price
    version: int | None = None
    """The ticket's version that was ordered. None in events of earlier releases."""


class SoldTicket(TicketRef):
    """The ticket as it was when it was ordered. Events of earlier releases have its id only."""

    title: str | None = None
    price: Price | None = None


class OrderEvent(VersionedEvent):
    producer: ClassVar[str] = "orders"
    aggregate: ClassVar[str] = "order"

    status: OrderStatus


class OrderCreated(OrderEvent):
    subject: ClassVar[str] = "order.created"

    user_id: Id
    expires_at: UtcTime
    ticket: OrderedTicket


class OrderAwaitingPayment(OrderEvent):
    """An attempt to pay began or failed. The order can still be paid."""

    subject: ClassVar[str] = "order.awaiting-payment"

    user_id: Id | None = None
    """The buyer. Earlier events do not have it."""


class OrderOverdue(OrderEvent):
    """The time to pay is over. payments starts no further payment and reports if none is open."""

    subject: ClassVar[str] = "order.overdue"


class OrderCancelled(OrderEvent):
    """The order ended without a sale, or its ticket was deleted."""

    subject: ClassVar[str] = "order.cancelled"

    user_id: Id
    reason: CancelReason
    ticket: TicketRef


class OrderCompleted(OrderEvent):
    """The order is paid: its ticket is sold."""

    subject: ClassVar[str] = "order.completed"

    user_id: Id
    ticket: SoldTicket
    completed_at: UtcTime | None = None
    """None in the events of an earlier release."""
