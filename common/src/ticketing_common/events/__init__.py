"""What is said on the bus: one module per speaker."""

from ticketing_common.events.auth import (
    ResetToken,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedIn,
    UserSignedUp,
)
from ticketing_common.events.base import DocumentEvent, Event
from ticketing_common.events.envelope import Envelope, Unreadable
from ticketing_common.events.expiration import ExpirationCompleted
from ticketing_common.events.orders import (
    CancelReason,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    TicketRef,
)
from ticketing_common.events.payments import (
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentStarted,
)
from ticketing_common.events.tickets import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.events.values import Id, Price, UtcTime, in_milliseconds, utc_now

EVENTS: tuple[type[Event], ...] = (
    UserSignedUp,
    UserSignedIn,
    UserForgotPassword,
    UserChangedPassword,
    TicketCreated,
    TicketUpdated,
    TicketDeleted,
    OrderCreated,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    ExpirationCompleted,
    PaymentStarted,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
)
"""Every event there is."""

__all__ = [
    "EVENTS",
    "CancelReason",
    "DocumentEvent",
    "Envelope",
    "Event",
    "ExpirationCompleted",
    "Id",
    "OrderAwaitingPayment",
    "OrderCancelled",
    "OrderCompleted",
    "OrderCreated",
    "OrderStatus",
    "OrderedTicket",
    "PaymentCreated",
    "PaymentFailed",
    "PaymentRefunded",
    "PaymentStarted",
    "Price",
    "ResetToken",
    "TicketCreated",
    "TicketDeleted",
    "TicketRef",
    "TicketUpdated",
    "Unreadable",
    "UserChangedPassword",
    "UserForgotPassword",
    "UserSignedIn",
    "UserSignedUp",
    "UtcTime",
    "in_milliseconds",
    "utc_now",
]
