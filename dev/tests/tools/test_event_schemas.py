"""What docs/ says of the events is what they are, and what they were."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_dev.tools import asyncapi
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_dev.tools.event_schemas import ADVICE, broken, kept, schema_of
from ticketing_testing import new_event

ASYNCAPI = Path(__file__).parent / "asyncapi" / "3.0.0.json"

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.subject)


def test_no_event_breaks_what_was_said_before() -> None:
    found = broken()
    assert not found, "\n".join([*found, "", ADVICE])


@every_event
def test_an_event_s_schema_is_kept_as_it_is(event: type[DomainEvent]) -> None:
    assert kept(event.subject) == schema_of(event), (
        "`.venv/bin/python -m ticketing_dev.tools.event_schemas` keeps it, if nothing breaks"
    )


@every_event
def test_an_event_that_is_said_is_as_its_schema_says(event: type[DomainEvent]) -> None:
    said = json.loads(new_event(event).model_dump_json(by_alias=True))
    Draft7Validator(schema_of(event)).validate(said)


def test_the_asyncapi_document_is_as_the_code_is() -> None:
    assert asyncapi.DOCUMENT.read_text() == asyncapi.text(), (
        "`.venv/bin/python -m ticketing_dev.tools.asyncapi` draws it"
    )


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    return Draft7Validator(json.loads(ASYNCAPI.read_text()))


def test_the_asyncapi_document_is_asyncapi(official: Draft7Validator) -> None:
    document = asyncapi.document()
    assert [error.message for error in official.iter_errors(document)] == []

    document["operations"]["orders.shouts"] = {"action": "shout"}
    assert list(official.iter_errors(document))


def test_each_reference_of_the_asyncapi_document_leads_somewhere() -> None:
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


def test_the_asyncapi_document_has_every_listener() -> None:
    heard = {name for name in asyncapi.document()["operations"] if ".hears." in name}
    assert heard == {
        f"{listener.service}.hears.{listener.event.__name__}"
        for subscribed in subscription_lists()
        for listener in subscribed
    }
