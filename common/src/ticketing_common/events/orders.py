"""What orders says."""

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
    """The ticket that an order is for."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: Id


class OrderedTicket(TicketRef):
    """The ticket as it was when it was ordered."""

    title: str
    price: Price


class OrderCreated(VersionedEvent):
    subject: ClassVar[str] = "order.created"

    status: OrderStatus
    user_id: Id
    expires_at: UtcTime
    ticket: OrderedTicket


class OrderAwaitingPayment(VersionedEvent):
    """Said when a payment begins, and again with each news of it that is not the order's end."""

    subject: ClassVar[str] = "order.awaiting-payment"

    status: OrderStatus


class OrderOverdue(VersionedEvent):
    """Its time is over: payments begins no other payment, and says if none is to come."""

    subject: ClassVar[str] = "order.overdue"

    status: OrderStatus


class OrderCancelled(VersionedEvent):
    subject: ClassVar[str] = "order.cancelled"

    status: OrderStatus
    user_id: Id
    reason: CancelReason
    ticket: TicketRef


class OrderCompleted(VersionedEvent):
    subject: ClassVar[str] = "order.completed"

    status: OrderStatus
    user_id: Id
    ticket: TicketRef
