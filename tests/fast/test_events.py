"""What is said on the bus, by whom and to whom: the contract's table and the code are the same."""

import types
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from tests.contract import promises

from ticketing_common.events import EVENTS, DomainEvent, UserForgotPassword, VersionedEvent
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.tools.events.service_listeners import consumers_of, service_listeners
from ticketing_testing import new_event

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


def wire_fields(model: type[BaseModel], before: str = "") -> set[str]:
    """The names of all fields in the JSON."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        on_the_wire = before + (field.alias or name)
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= wire_fields(kind, f"{on_the_wire}.")
        else:
            names.add(on_the_wire + "?" * (types.NoneType in get_args(kind)))
    return names


def test_there_are_exactly_the_events_that_were_promised() -> None:
    assert [event.__name__ for event in EVENTS] == list(promises.EVENTS)


@every_event
def test_an_event_is_said_and_heard_as_promised(event: type[DomainEvent]) -> None:
    promised = promises.EVENTS[event.__name__]
    assert event.subject == promised.subject
    assert event.producer == promised.producer
    assert set(consumers_of(event)) == promised.listeners
    assert wire_fields(event) == promised.fields


@every_event
def test_an_event_s_json_has_the_promised_names(event: type[DomainEvent]) -> None:
    body = new_event(event).model_dump(mode="json", by_alias=True)
    promised = {
        name.rstrip("?").partition(".")[0] for name in promises.EVENTS[event.__name__].fields
    }
    assert body.keys() == promised


def test_what_has_a_version_is_an_event_of_a_document() -> None:
    for event in EVENTS:
        versioned = "version" in promises.EVENTS[event.__name__].fields
        assert issubclass(event, VersionedEvent) == versioned


def test_only_the_event_that_carries_a_secret_has_a_stream_of_its_own_for_a_short_time() -> None:
    short_lived = [event for event in EVENTS if event.max_age is not None]
    assert short_lived == [UserForgotPassword]
    sharing = [event for event in EVENTS if stream_of(event) == stream_of(UserForgotPassword)]
    assert sharing == [UserForgotPassword]


def test_nobody_listens_to_what_nobody_says() -> None:
    heard = {listener.event for subscribed in service_listeners() for listener in subscribed}
    assert heard <= set(EVENTS)
