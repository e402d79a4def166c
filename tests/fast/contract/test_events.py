"""The domain events, their producers and consumers against the contract."""

import types
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from tests.contract import tables

from ticketing_common.events import EVENTS, DomainEvent, UserForgotPassword, VersionedEvent
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.tools.events.service_listeners import consumers_of, service_listeners
from ticketing_dev.tools.openapi import apps
from ticketing_testing import new_event

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


def json_fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Return the names of all fields in JSON, as in the contract's table."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        json_name = prefix + (field.alias or name)
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= json_fields(kind, f"{json_name}.")
        else:
            names.add(json_name + "?" * (types.NoneType in get_args(kind)))
    return names


def test_events_are_exactly_those_of_the_contract() -> None:
    assert [event.__name__ for event in EVENTS] == list(tables.EVENTS)


@each_event
def test_event_has_contract_producer_consumers_and_fields(event: type[DomainEvent]) -> None:
    expected = tables.EVENTS[event.__name__]
    assert event.subject == expected.subject
    assert event.producer == expected.producer
    assert set(consumers_of(event)) == expected.consumers
    assert json_fields(event) == expected.fields
    followers = {name for name, app in apps().items() if _follows(app, event)}
    assert followers == expected.followers


def _follows(app: FastAPI, event: type[DomainEvent]) -> bool:
    return app.state.follower is not None and app.state.follower.event is event


@each_event
def test_event_json_has_contract_names(event: type[DomainEvent]) -> None:
    body = new_event(event).model_dump(mode="json", by_alias=True)
    expected = {name.rstrip("?").partition(".")[0] for name in tables.EVENTS[event.__name__].fields}
    assert body.keys() == expected


def test_event_with_version_is_versioned() -> None:
    for event in EVENTS:
        versioned = "version" in tables.EVENTS[event.__name__].fields
        assert issubclass(event, VersionedEvent) == versioned


def test_only_event_with_secret_has_its_own_short_lived_stream() -> None:
    short_lived = [event for event in EVENTS if event.max_age is not None]
    assert short_lived == [UserForgotPassword]
    sharing = [event for event in EVENTS if stream_of(event) == stream_of(UserForgotPassword)]
    assert sharing == [UserForgotPassword]


def test_listeners_consume_existing_events() -> None:
    consumed = {listener.event for listeners in service_listeners() for listener in listeners}
    assert consumed <= set(EVENTS)
