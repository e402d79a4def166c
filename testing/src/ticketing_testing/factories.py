"""Factories for ids, users, their sessions, and domain events."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bson import ObjectId
from pydantic_core import to_json

from ticketing_common.events import DomainEvent, utc_now
from ticketing_common.sessions.keys import SigningKey, public_key_set
from ticketing_common.sessions.tokens import Session, SessionUser, TokenSigner
from ticketing_common.web.sessions import SECURE_COOKIE

E = TypeVar("E", bound=DomainEvent)

SESSION_KEY = SigningKey.generate()
"""The key with which auth signs sessions."""
SESSION_SETTINGS: dict[str, Any] = {
    "jwt_private_key": SESSION_KEY.to_json(),
    "jwt_public_keys": public_key_set(SESSION_KEY),
}
"""The settings of services that have it."""

_numbers = itertools.count(1)


def new_id() -> str:
    """Return a new unique id."""
    return str(ObjectId())


def new_user() -> SessionUser:
    """Return a user with a new id and address."""
    return SessionUser(id=new_id(), email=f"person{next(_numbers)}@example.com")


def new_session(user: SessionUser, age: timedelta = timedelta(0)) -> Session:
    """Return a session of the user that began this long ago, with a token of now."""
    return Session.issue(user, new_id(), datetime.now(UTC) - age)


def session_token(user: SessionUser) -> str:
    """Return the token of a new session of the user, who need not exist."""
    return TokenSigner(SESSION_KEY).sign(new_session(user))


def session_cookies(user: SessionUser) -> dict[str, str]:
    """Return the cookie of a new session of the user, for services with secure cookies."""
    return {SECURE_COOKIE: session_token(user)}


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
        "ended_at": utc_now(),
        "sid": None,
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
