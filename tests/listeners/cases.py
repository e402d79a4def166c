"""A case for each listener: its event, and the events and documents that must precede it.

A new listener needs a row here. It is then tested with duplicated, late, early, interrupted and
invalid deliveries.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
from ticketing_common.messaging.listeners import Listener
from ticketing_testing import new_event, new_id

E = TypeVar("E", bound=DomainEvent)
Given = tuple[type[Document], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """An event of one listener, and its context."""

    event: DomainEvent
    before: tuple[DomainEvent, ...] = ()
    """Events that the service must have handled. Until then the event is redelivered."""
    documents: tuple[Given, ...] = ()
    """Documents of its own that the service must have."""
    after: DomainEvent | None = None
    """An event that can follow it, and so can overtake it."""
    last: str = ""
    """Why no event can follow it, if that is so."""
    late: str = ""
    """Why its effects may differ if it was overtaken, if that is so."""


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
            "price": 25,
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
            "ticket": {"id": self.ticket, "title": "Concert", "price": 25},
        }
        reservation = {
            "id": PydanticObjectId(self.ticket),
            "order_id": PydanticObjectId(self.order),
        }
        return (orders.models.Order, order), (orders.models.Reservation, reservation)


def _changed_password(s: Story) -> Case:
    return Case(s.changed_password(), after=s.changed_password(3))


END_OF_ORDER = "an order ends once"
END_OF_TICKET = "a ticket is deleted once"

CASES: dict[str, dict[str, Callable[[Story], Case]]] = {
    "tickets": {
        "UserChangedPassword": _changed_password,
        "OrderCreated": lambda s: Case(
            s.order_created(), documents=(s.listed_ticket(),), after=s.order_cancelled()
        ),
        "OrderCompleted": lambda s: Case(
            s.order_completed(), documents=s.held_ticket(), last=END_OF_ORDER
        ),
        "OrderCancelled": lambda s: Case(
            s.order_cancelled(), documents=s.held_ticket(), last=END_OF_ORDER
        ),
    },
    "orders": {
        "UserChangedPassword": _changed_password,
        "TicketCreated": lambda s: Case(s.ticket_created(), after=s.ticket_updated()),
        "TicketUpdated": lambda s: Case(
            s.ticket_updated(), before=(s.ticket_created(),), after=s.ticket_deleted(2)
        ),
        "TicketDeleted": lambda s: Case(
            s.ticket_deleted(),
            before=(s.ticket_created(),),
            documents=s.open_order(),
            last=END_OF_TICKET,
        ),
        "ExpirationCompleted": lambda s: Case(
            s.expiration_completed(),
            documents=s.open_order(seconds=-1),
            last="the time to pay ends once",
        ),
        "PaymentStarted": lambda s: Case(
            s.payment_started(), documents=s.open_order(), after=s.payment_failed()
        ),
        "PaymentFailed": lambda s: Case(
            s.payment_failed(), documents=s.open_order(), after=s.payment_started(new_id())
        ),
        "PaymentMissed": lambda s: Case(
            s.payment_missed(), documents=s.open_order(seconds=-1), last=END_OF_ORDER
        ),
        "PaymentCreated": lambda s: Case(
            s.payment_created(), documents=s.open_order(), last="it is paid once"
        ),
    },
    "payments": {
        "UserChangedPassword": _changed_password,
        "OrderCreated": lambda s: Case(s.order_created(), after=s.order_awaiting_payment()),
        "OrderAwaitingPayment": lambda s: Case(
            s.order_awaiting_payment(), before=(s.order_created(),), after=s.order_completed()
        ),
        "OrderOverdue": lambda s: Case(
            s.order_overdue(), before=(s.order_created(),), after=s.order_cancelled(2)
        ),
        "OrderCompleted": lambda s: Case(
            s.order_completed(),
            before=(s.order_created(), s.order_awaiting_payment()),
            after=s.order_cancelled(3),
        ),
        "OrderCancelled": lambda s: Case(
            s.order_cancelled(), before=(s.order_created(),), last=END_OF_ORDER
        ),
    },
    "expiration": {
        "OrderCreated": lambda s: Case(
            s.order_created(),
            after=s.order_cancelled(),
            late="the timer of an ended order fires, and orders ignores it",
        ),
        "OrderCancelled": lambda s: Case(s.order_cancelled(), last=END_OF_ORDER),
    },
    "contact": {
        "UserSignedUp": lambda s: Case(s.signed_up(s.buyer), after=s.signed_in()),
        "UserSignedIn": lambda s: Case(
            s.signed_in(), before=(s.signed_up(s.buyer),), after=s.changed_password()
        ),
        "UserForgotPassword": lambda s: Case(
            s.forgot_password(), before=(s.signed_up(s.buyer),), after=s.changed_password()
        ),
        "UserChangedPassword": lambda s: Case(
            s.changed_password(), before=(s.signed_up(s.buyer),), after=s.signed_in(3)
        ),
        "TicketCreated": lambda s: Case(
            s.ticket_created(), before=(s.signed_up(s.seller),), after=s.ticket_updated()
        ),
        "TicketUpdated": lambda s: Case(
            s.ticket_updated(),
            before=(s.signed_up(s.seller), s.ticket_created()),
            after=s.ticket_deleted(2),
        ),
        "TicketDeleted": lambda s: Case(
            s.ticket_deleted(),
            before=(s.signed_up(s.seller), s.ticket_created()),
            last=END_OF_TICKET,
        ),
        "OrderCreated": lambda s: Case(
            s.order_created(), before=(s.signed_up(s.buyer),), after=s.order_cancelled()
        ),
        "OrderCancelled": lambda s: Case(
            s.order_cancelled(), before=(s.signed_up(s.buyer), s.order_created()), last=END_OF_ORDER
        ),
        "OrderCompleted": lambda s: Case(
            s.order_completed(),
            before=(
                s.signed_up(s.seller),
                s.signed_up(s.buyer),
                s.ticket_created(),
                s.order_created(),
            ),
            last=END_OF_ORDER,
        ),
        "PaymentCreated": lambda s: Case(
            s.payment_created(),
            before=(s.signed_up(s.buyer), s.order_created()),
            after=s.payment_refunded(),
        ),
        "PaymentRefunded": lambda s: Case(
            s.payment_refunded(),
            before=(s.signed_up(s.buyer), s.order_created()),
            last="it is refunded once",
        ),
    },
}
"""By service and event."""


def case_of(listener: Listener) -> Case:
    """Return a new case of the listener. Fails if it has no row."""
    row = CASES.get(listener.service, {}).get(listener.event.__name__)
    assert row is not None, (
        f"The listener of {listener.event.__name__} in {listener.service} has no case. Add a row "
        f"to CASES[{listener.service!r}] in tests/listeners/cases.py: the event, the events and "
        "documents before it, and an event that can follow it."
    )
    case = row(Story())
    assert isinstance(case.event, listener.event)
    assert (case.after is None) == bool(case.last), (
        f"Which event can follow {listener.event.__name__}? Set it as `after`, or the reason why "
        "none can as `last`."
    )
    return case
