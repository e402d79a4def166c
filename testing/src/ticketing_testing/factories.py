"""Factories for ids, users and domain events."""

import itertools
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bson import ObjectId
from pydantic_core import to_json

from ticketing_common.events import DomainEvent, utc_now
from ticketing_common.web.sessions import SessionUser

E = TypeVar("E", bound=DomainEvent)

_numbers = itertools.count(1)


def new_id() -> str:
    """Return a new unique id."""
    return str(ObjectId())


def new_user() -> SessionUser:
    """Return a user with a new id and address."""
    return SessionUser(id=new_id(), email=f"person{next(_numbers)}@example.com")


def new_event(event: type[E], **fields: Any) -> E:
    """Return an event with the given fields, as in its JSON, and valid defaults for the others."""
    defaults: dict[str, Any] = {
        "id": new_id(),
        "version": 0,
        "email": f"person{next(_numbers)}@example.com",
        "title": "Concert",
        "price": 25,
        "user_id": new_id(),
        "order_id": None if event.__name__ == "TicketUpdated" else new_id(),
        "status": "created",
        "expires_at": utc_now() + timedelta(hours=1),
        "changed_at": utc_now(),
        "completed_at": utc_now(),
        "reserved_until": None,
        "sold_at": None,
        "ticket": {"id": new_id(), "title": "Concert", "price": 25},
        "reason": "expired",
        "stripe_id": "pi_1",
        "token": {"value": "secret", "expires_at": utc_now() + timedelta(minutes=15)},
    }
    values = {name: defaults[name] for name in event.model_fields} | fields
    return event.model_validate_json(to_json(values))


def next_millisecond() -> datetime:
    """Return a time after the start of every session so far.

    Times in events are whole milliseconds, those of sessions are not.
    """
    return utc_now() + timedelta(milliseconds=1)
