"""People and events to test with."""

import itertools
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bson import ObjectId

from ticketing_common.events import DomainEvent, utc_now
from ticketing_common.web.sessions import SessionUser

E = TypeVar("E", bound=DomainEvent)

_numbers = itertools.count(1)


def an_id() -> str:
    """An id that nobody else has."""
    return str(ObjectId())


def somebody() -> SessionUser:
    """A person whom nobody has met."""
    return SessionUser(id=an_id(), email=f"person{next(_numbers)}@example.com")


def an_event(event: type[E], **fields: Any) -> E:
    """An event with the given fields, and something sensible in the others."""
    sensible: dict[str, Any] = {
        "id": an_id(),
        "version": 0,
        "email": f"person{next(_numbers)}@example.com",
        "title": "Concert",
        "price": 25,
        "user_id": an_id(),
        "order_id": None if event.__name__ == "TicketUpdated" else an_id(),
        "status": "created",
        "expires_at": utc_now() + timedelta(hours=1),
        "changed_at": utc_now(),
        "ticket": {"id": an_id(), "title": "Concert", "price": 25},
        "reason": "expired",
        "stripe_id": "pi_1",
        "token": {"value": "secret", "expires_at": utc_now() + timedelta(minutes=15)},
    }
    wanted = {name: sensible[name] for name in event.model_fields} | fields
    return event.model_validate(wanted)


def just_now() -> datetime:
    """After each session that has begun: an event's moments are whole milliseconds, theirs not."""
    return utc_now() + timedelta(milliseconds=1)
