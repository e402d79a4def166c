"""A case for each listener: its event, and the events and documents that must precede it.

A new listener needs a row here. It is then tested with duplicated, late, early, interrupted and
invalid deliveries.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.listeners.story import Given, Story

from ticketing_common.events import (
    DomainEvent,
)
from ticketing_common.messaging.listeners import Listener
from ticketing_testing import new_id


@dataclass(frozen=True)
class Case:
    """An event of one listener, and its context."""

    event: DomainEvent
    before: tuple[DomainEvent, ...] = ()
    """Events that the service must have handled. Until then the event is parked."""
    documents: tuple[Given, ...] = ()
    """Documents of its own that the service must have."""
    after: DomainEvent | None = None
    """An event that can follow it, and so can overtake it."""
    last: str = ""
    """Why no event can follow it, if that is so."""
    late: str = ""
    """Why its effects may differ if it was overtaken, if that is so."""


END_OF_ORDER = "an order ends once"
END_OF_TICKET = "a ticket is deleted once"

CASES: dict[str, dict[str, Callable[[Story], Case]]] = {
    "tickets": {
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
