"""The event documents in docs/: schema snapshots and the AsyncAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_dev.tools.events import asyncapi
from ticketing_dev.tools.events.schemas import ADVICE, find_breaking_changes, schema_of, snapshot
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_testing import new_event

ASYNCAPI = Path(__file__).parent / "asyncapi" / "3.0.0.json"

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.subject)


def test_events_have_no_breaking_changes() -> None:
    found = find_breaking_changes()
    assert not found, "\n".join([*found, "", ADVICE])


@every_event
def test_event_schema_snapshot_is_up_to_date(event: type[DomainEvent]) -> None:
    assert snapshot(event.subject) == schema_of(event), (
        "`.venv/bin/python -m ticketing_dev.tools.events.schemas` updates it"
    )


@every_event
def test_event_matches_its_schema(event: type[DomainEvent]) -> None:
    body = json.loads(new_event(event).model_dump_json(by_alias=True))
    Draft7Validator(schema_of(event)).validate(body)


def test_asyncapi_document_is_up_to_date() -> None:
    assert asyncapi.DOCUMENT.read_text() == asyncapi.text(), (
        "`.venv/bin/python -m ticketing_dev.tools.events.asyncapi` updates it"
    )


@pytest.fixture(scope="module")
def official_schema() -> Draft7Validator:
    return Draft7Validator(json.loads(ASYNCAPI.read_text()))


def test_asyncapi_document_matches_the_official_schema(official_schema: Draft7Validator) -> None:
    document = asyncapi.document()
    assert [error.message for error in official_schema.iter_errors(document)] == []

    document["operations"]["orders.shout"] = {"action": "shout"}
    assert list(official_schema.iter_errors(document))


def test_asyncapi_document_has_no_broken_reference() -> None:
    document = asyncapi.document()
    for reference in _references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [each for item in node for each in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [each for item in node.values() for each in _references(item)]


def test_asyncapi_document_has_every_listener() -> None:
    consumed = {name for name in asyncapi.document()["operations"] if ".consume." in name}
    assert consumed == {
        f"{listener.service}.consume.{listener.event.__name__}"
        for listeners in service_listeners()
        for listener in listeners
    }
