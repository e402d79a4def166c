"""Events and documents of one ticket and its order."""

from datetime import timedelta
from typing import Any, TypeVar

from beanie import Document, PydanticObjectId

import orders.models
import tickets.models
from ticketing_common.events import (
    DomainEvent,
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderOverdue,
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentRefunded,
    PaymentStarted,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedIn,
    UserSignedUp,
    utc_now,
)
from ticketing_testing import new_event, new_id

E = TypeVar("E", bound=DomainEvent)
Given = tuple[type[Document], dict[str, Any]]


class Story:
    """Events of one ticket, its seller, its buyer and an order of it."""

    def __init__(self) -> None:
        self.seller, self.buyer = new_id(), new_id()
        self.ticket, self.order, self.payment = new_id(), new_id(), new_id()

    def signed_up(self, user: str) -> UserSignedUp:
        return new_event(UserSignedUp, id=user)

    def forgot_password(self) -> UserForgotPassword:
        return new_event(UserForgotPassword, id=self.buyer, version=1)

    def signed_in(self, version: int = 1) -> UserSignedIn:
        return new_event(UserSignedIn, id=self.buyer, version=version)

    def changed_password(self, version: int = 2) -> UserChangedPassword:
        at = utc_now() + timedelta(seconds=version)
        return new_event(UserChangedPassword, id=self.buyer, version=version, changed_at=at)

    def ticket_created(self) -> TicketCreated:
        return new_event(TicketCreated, id=self.ticket, user_id=self.seller)

    def ticket_updated(self, version: int = 1) -> TicketUpdated:
        return new_event(
            TicketUpdated, id=self.ticket, user_id=self.seller, version=version, price=30 + version
        )

    def ticket_deleted(self, version: int = 1) -> TicketDeleted:
        return new_event(TicketDeleted, id=self.ticket, version=version)

    def order_created(self) -> OrderCreated:
        return self._of_order(OrderCreated, 0, "created")

    def order_awaiting_payment(self) -> OrderAwaitingPayment:
        return self._of_order(OrderAwaitingPayment, 1, "awaiting:payment")

    def order_overdue(self) -> OrderOverdue:
        return self._of_order(OrderOverdue, 1, "created")

    def order_cancelled(self, version: int = 1) -> OrderCancelled:
        return self._of_order(OrderCancelled, version, "cancelled")

    def order_completed(self) -> OrderCompleted:
        return self._of_order(OrderCompleted, 2, "complete")

    def payment_created(self) -> PaymentCreated:
        return new_event(PaymentCreated, id=self.payment, order_id=self.order, version=1)

    def payment_refunded(self) -> PaymentRefunded:
        return new_event(PaymentRefunded, id=self.payment, order_id=self.order, version=2)

    def payment_started(self, payment: str | None = None) -> PaymentStarted:
        return new_event(PaymentStarted, id=payment or self.payment, order_id=self.order)

    def payment_failed(self) -> PaymentFailed:
        return new_event(PaymentFailed, id=self.payment, order_id=self.order)

    def expiration_completed(self) -> ExpirationCompleted:
        return new_event(ExpirationCompleted, order_id=self.order)

    def payment_missed(self) -> PaymentMissed:
        return new_event(PaymentMissed, order_id=self.order)

    def _of_order(self, event: type[E], version: int, status: str) -> E:
        ticket = {"id": self.ticket, "title": "Concert", "price": 25}
        return new_event(
            event,
            id=self.order,
            version=version,
            status=status,
            user_id=self.buyer,
            ticket=ticket,
            reason="cancelled-by-buyer",
        )

    def listed_ticket(self, order: str | None = None) -> Given:
        return tickets.models.Ticket, {
            "id": PydanticObjectId(self.ticket),
            "title": "Concert",
            "price": 25_00,
            "user_id": self.seller,
            "search_terms": ["concert"],
            "created_at": utc_now(),
            "order_id": order,
        }

    def held_ticket(self) -> tuple[Given, Given]:
        held = {"id": PydanticObjectId(self.order), "state": "held", "changed_at": utc_now()}
        return self.listed_ticket(self.order), (tickets.models.Hold, held)

    def open_order(self, seconds: int = 60) -> tuple[Given, Given]:
        """Return an order, with its reservation, that can be paid for so many more seconds."""
        order = {
            "id": PydanticObjectId(self.order),
            "user_id": self.buyer,
            "expires_at": utc_now() + timedelta(seconds=seconds),
            "ticket": {"id": self.ticket, "title": "Concert", "price": 25_00},
        }
        reservation = {
            "id": PydanticObjectId(self.ticket),
            "order_id": PydanticObjectId(self.order),
        }
        return (orders.models.Order, order), (orders.models.Reservation, reservation)
