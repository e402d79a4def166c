"""The one table of the listeners' cases: each row has an event, and what must be there for it.

Whoever adds a listener adds a row here, and has it tried with its event twice, late, early,
interrupted and unreadable.
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
    """One listener's event, and its surroundings."""

    event: DomainEvent
    before: tuple[DomainEvent, ...] = ()
    """What the service must have heard for it. Where it has not, the event waits for it."""
    given: tuple[Given, ...] = ()
    """What the service must have of its own for it."""
    after: DomainEvent | None = None
    """What can follow it, and so can overtake it."""
    last: str = ""
    """Why nothing can follow it, where that is so."""
    late: str = ""
    """Why it may leave something else where it was overtaken, and nobody minds."""


class Story:
    """One ticket, its seller, its buyer and an order for it, as events tell of them."""

    def __init__(self) -> None:
        self.seller, self.buyer = new_id(), new_id()
        self.ticket, self.order, self.payment = new_id(), new_id(), new_id()

    def joins(self, user: str) -> UserSignedUp:
        return new_event(UserSignedUp, id=user)

    def forgets(self) -> UserForgotPassword:
        return new_event(UserForgotPassword, id=self.buyer, version=1)

    def signs_in(self, version: int = 1) -> UserSignedIn:
        return new_event(UserSignedIn, id=self.buyer, version=version)

    def changes_password(self, version: int = 2) -> UserChangedPassword:
        at = utc_now() + timedelta(seconds=version)
        return new_event(UserChangedPassword, id=self.buyer, version=version, changed_at=at)

    def offers(self) -> TicketCreated:
        return new_event(TicketCreated, id=self.ticket, user_id=self.seller)

    def reprices(self, version: int = 1) -> TicketUpdated:
        return new_event(
            TicketUpdated, id=self.ticket, user_id=self.seller, version=version, price=30 + version
        )

    def withdraws(self, version: int = 1) -> TicketDeleted:
        return new_event(TicketDeleted, id=self.ticket, version=version)

    def orders(self) -> OrderCreated:
        return self._of_order(OrderCreated, 0, "created")

    def begins_to_pay(self) -> OrderAwaitingPayment:
        return self._of_order(OrderAwaitingPayment, 1, "awaiting:payment")

    def is_overdue(self) -> OrderOverdue:
        return self._of_order(OrderOverdue, 1, "created")

    def cancels(self, version: int = 1) -> OrderCancelled:
        return self._of_order(OrderCancelled, version, "cancelled")

    def has_bought(self) -> OrderCompleted:
        return self._of_order(OrderCompleted, 2, "complete")

    def pays(self) -> PaymentCreated:
        return new_event(PaymentCreated, id=self.payment, order_id=self.order, version=1)

    def is_refunded(self) -> PaymentRefunded:
        return new_event(PaymentRefunded, id=self.payment, order_id=self.order, version=2)

    def tries(self, payment: str | None = None) -> PaymentStarted:
        return new_event(PaymentStarted, id=payment or self.payment, order_id=self.order)

    def fails(self) -> PaymentFailed:
        return new_event(PaymentFailed, id=self.payment, order_id=self.order)

    def time_is_over(self) -> ExpirationCompleted:
        return new_event(ExpirationCompleted, order_id=self.order)

    def is_missed(self) -> PaymentMissed:
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

    def a_ticket_for_sale(self, order: str | None = None) -> Given:
        return tickets.models.Ticket, {
            "id": PydanticObjectId(self.ticket),
            "title": "Concert",
            "price": 25,
            "user_id": self.seller,
            "search_terms": ["concert"],
            "created_at": utc_now(),
            "order_id": order,
        }

    def a_ticket_held(self) -> tuple[Given, Given]:
        held = {"id": PydanticObjectId(self.order), "state": "held", "changed_at": utc_now()}
        return self.a_ticket_for_sale(self.order), (tickets.models.Hold, held)

    def an_order(self, seconds: int = 60) -> tuple[Given, Given]:
        """One that may be paid for so many seconds more."""
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


def _ended_sessions(s: Story) -> Case:
    return Case(s.changes_password(), after=s.changes_password(3))


END_OF_ORDER = "an order ends once"
END_OF_TICKET = "a ticket goes once"

CASES: dict[str, dict[str, Callable[[Story], Case]]] = {
    "tickets": {
        "UserChangedPassword": _ended_sessions,
        "OrderCreated": lambda s: Case(
            s.orders(), given=(s.a_ticket_for_sale(),), after=s.cancels()
        ),
        "OrderCompleted": lambda s: Case(
            s.has_bought(), given=s.a_ticket_held(), last=END_OF_ORDER
        ),
        "OrderCancelled": lambda s: Case(s.cancels(), given=s.a_ticket_held(), last=END_OF_ORDER),
    },
    "orders": {
        "UserChangedPassword": _ended_sessions,
        "TicketCreated": lambda s: Case(s.offers(), after=s.reprices()),
        "TicketUpdated": lambda s: Case(s.reprices(), before=(s.offers(),), after=s.withdraws(2)),
        "TicketDeleted": lambda s: Case(
            s.withdraws(), before=(s.offers(),), given=s.an_order(), last=END_OF_TICKET
        ),
        "ExpirationCompleted": lambda s: Case(
            s.time_is_over(), given=s.an_order(seconds=-1), last="a time is over once"
        ),
        "PaymentStarted": lambda s: Case(s.tries(), given=s.an_order(), after=s.fails()),
        "PaymentFailed": lambda s: Case(s.fails(), given=s.an_order(), after=s.tries(new_id())),
        "PaymentMissed": lambda s: Case(
            s.is_missed(), given=s.an_order(seconds=-1), last=END_OF_ORDER
        ),
        "PaymentCreated": lambda s: Case(s.pays(), given=s.an_order(), last="it is paid once"),
    },
    "payments": {
        "UserChangedPassword": _ended_sessions,
        "OrderCreated": lambda s: Case(s.orders(), after=s.begins_to_pay()),
        "OrderAwaitingPayment": lambda s: Case(
            s.begins_to_pay(), before=(s.orders(),), after=s.has_bought()
        ),
        "OrderOverdue": lambda s: Case(s.is_overdue(), before=(s.orders(),), after=s.cancels(2)),
        "OrderCompleted": lambda s: Case(
            s.has_bought(), before=(s.orders(), s.begins_to_pay()), after=s.cancels(3)
        ),
        "OrderCancelled": lambda s: Case(s.cancels(), before=(s.orders(),), last=END_OF_ORDER),
    },
    "expiration": {
        "OrderCreated": lambda s: Case(
            s.orders(),
            after=s.cancels(),
            late="a timer of an order that has ended tells orders, which knows that it has",
        ),
        "OrderCancelled": lambda s: Case(s.cancels(), last=END_OF_ORDER),
    },
    "contact": {
        "UserSignedUp": lambda s: Case(s.joins(s.buyer), after=s.signs_in()),
        "UserSignedIn": lambda s: Case(
            s.signs_in(), before=(s.joins(s.buyer),), after=s.changes_password()
        ),
        "UserForgotPassword": lambda s: Case(
            s.forgets(), before=(s.joins(s.buyer),), after=s.changes_password()
        ),
        "UserChangedPassword": lambda s: Case(
            s.changes_password(), before=(s.joins(s.buyer),), after=s.signs_in(3)
        ),
        "TicketCreated": lambda s: Case(
            s.offers(), before=(s.joins(s.seller),), after=s.reprices()
        ),
        "TicketUpdated": lambda s: Case(
            s.reprices(), before=(s.joins(s.seller), s.offers()), after=s.withdraws(2)
        ),
        "TicketDeleted": lambda s: Case(
            s.withdraws(), before=(s.joins(s.seller), s.offers()), last=END_OF_TICKET
        ),
        "OrderCreated": lambda s: Case(s.orders(), before=(s.joins(s.buyer),), after=s.cancels()),
        "OrderCancelled": lambda s: Case(
            s.cancels(), before=(s.joins(s.buyer), s.orders()), last=END_OF_ORDER
        ),
        "OrderCompleted": lambda s: Case(
            s.has_bought(),
            before=(s.joins(s.seller), s.joins(s.buyer), s.offers(), s.orders()),
            last=END_OF_ORDER,
        ),
        "PaymentCreated": lambda s: Case(
            s.pays(), before=(s.joins(s.buyer), s.orders()), after=s.is_refunded()
        ),
        "PaymentRefunded": lambda s: Case(
            s.is_refunded(), before=(s.joins(s.buyer), s.orders()), last="it is refunded once"
        ),
    },
}
"""By service, and by the event that it listens to."""


def case_of(listener: Listener) -> Case:
    """A new case of the listener. Fails, in words that say what to add, where it has no row."""
    row = CASES.get(listener.service, {}).get(listener.event.__name__)
    assert row is not None, (
        f"{listener.service} listens to {listener.event.__name__}, and nobody has said how that is "
        f"tried. Add a row to CASES[{listener.service!r}] in tests/listeners/cases.py: the event, "
        "what must be there before it, and what can follow it."
    )
    case = row(Story())
    assert isinstance(case.event, listener.event)
    assert (case.after is None) == bool(case.last), (
        f"What can follow {listener.event.__name__}? Name it as `after`, or why nothing can as "
        "`last`."
    )
    return case
