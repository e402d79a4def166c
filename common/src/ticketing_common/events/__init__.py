"""All domain events: one module per producing service."""

from ticketing_common.events.auth import (
    ResetToken,
    UserChangedPassword,
    UserForgotPassword,
    UserSessionEnded,
    UserSignedIn,
    UserSignedUp,
)
from ticketing_common.events.base import DomainEvent, VersionedEvent
from ticketing_common.events.envelope import Envelope, InvalidMessage
from ticketing_common.events.expiration import ExpirationCompleted
from ticketing_common.events.orders import (
    CancelReason,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderOverdue,
    OrderStatus,
    SoldTicket,
    TicketRef,
)
from ticketing_common.events.payments import (
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentRefunded,
    PaymentStarted,
    PaymentStatus,
)
from ticketing_common.events.tickets import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.events.values import (
    MAX_PRICE,
    Id,
    Price,
    UtcTime,
    to_milliseconds,
    utc_now,
)

EVENTS: tuple[type[DomainEvent], ...] = (
    UserSignedUp,
    UserSignedIn,
    UserForgotPassword,
    UserChangedPassword,
    UserSessionEnded,
    TicketCreated,
    TicketUpdated,
    TicketDeleted,
    OrderCreated,
    OrderAwaitingPayment,
    OrderOverdue,
    OrderCancelled,
    OrderCompleted,
    ExpirationCompleted,
    PaymentStarted,
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentRefunded,
)
"""Every domain event."""

__all__ = [
    "EVENTS",
    "MAX_PRICE",
    "CancelReason",
    "DomainEvent",
    "Envelope",
    "ExpirationCompleted",
    "Id",
    "InvalidMessage",
    "OrderAwaitingPayment",
    "OrderCancelled",
    "OrderCompleted",
    "OrderCreated",
    "OrderOverdue",
    "OrderStatus",
    "OrderedTicket",
    "PaymentCreated",
    "PaymentFailed",
    "PaymentMissed",
    "PaymentRefunded",
    "PaymentStarted",
    "PaymentStatus",
    "Price",
    "ResetToken",
    "SoldTicket",
    "TicketCreated",
    "TicketDeleted",
    "TicketRef",
    "TicketUpdated",
    "UserChangedPassword",
    "UserForgotPassword",
    "UserSessionEnded",
    "UserSignedIn",
    "UserSignedUp",
    "UtcTime",
    "VersionedEvent",
    "to_milliseconds",
    "utc_now",
]
