"""Every rule of every request has a message of this project."""

import functools
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter
from tests.contract.apps import make_app
from tests.contract.tables import BASES

from ticketing_common.validation_messages import MESSAGES, OF_FIELD, REQUIRED, message_of

ERRORS_OF_SCHEMAS: dict[str, set[str]] = {
    "default": set(),
    "enum": {"enum"},
    "function-after": set(),
    "dict": {"dict_type"},
    "function-before": set(),
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "is-instance": {"string_type"},  # of a SecretStr
    "json-or-python": set(),
    "lax-or-strict": set(),
    "model": {"model_attributes_type"},
    "model-field": {"missing"},
    "model-fields": set(),
    "nullable": set(),
    "str": {"string_type", "string_unicode"},
    "union": {"string_type"},  # of a SecretStr
}
"""pydantic's errors, by the type of a core schema."""
ERRORS_OF_LIMITS = {
    ("str", "min_length"): "string_too_short",
    ("str", "max_length"): "string_too_long",
    ("str", "pattern"): "string_pattern_mismatch",
    ("int", "ge"): "greater_than_equal",
    ("int", "le"): "less_than_equal",
}
"""pydantic's errors, by the limit of a core schema."""
OTHER_KEYS = {"type", "metadata", "serialization", "strip_whitespace", "strict", "ref"}
"""Keys of such a core schema that are no limits."""
ERRORS_OF_FUNCTIONS = {"min_length_validator": "too_short", "max_length_validator": "too_long"}
"""The errors of pydantic's own functions. The others raise `rule_error`, or nothing."""


def parameters(dependant: Dependant) -> Iterator[Any]:
    for kind in ("path_params", "query_params", "header_params", "cookie_params", "body_params"):
        yield from getattr(dependant, kind)
    for child in dependant.dependencies:
        yield from parameters(child)


def requests(service: str) -> Iterator[Any]:
    """Yield the name and the core schema of each part of a request that a route validates."""
    for context in iter_route_contexts(make_app(service).routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for parameter in parameters(route.dependant):
                info = parameter.field_info
                of_type: Any = info.annotation
                for metadata in info.metadata:
                    of_type = Annotated[of_type, metadata]
                yield parameter.alias, TypeAdapter(of_type).core_schema


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the core schemas inside a core schema, without those of its serialization."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for key, value in schema.items():
            if key not in ("serialization", "metadata"):
                yield from nodes(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from nodes(value)


def errors(node: dict[str, Any]) -> Iterator[str]:
    """Yield the types of the errors that a core schema can raise itself."""
    kind = node["type"]
    if kind in ("no-info", "with-info"):
        function = node["function"]
        name = function.func.__name__ if isinstance(function, functools.partial) else str(function)
        yield from (error for each, error in ERRORS_OF_FUNCTIONS.items() if each in name)
        return
    yield from ERRORS_OF_SCHEMAS[kind]
    if kind in ("str", "int"):
        for limit in node.keys() - OTHER_KEYS:
            yield ERRORS_OF_LIMITS[kind, limit]


@pytest.mark.parametrize("service", BASES)
def test_every_error_of_every_request_has_a_message(service: str) -> None:
    found = {
        error for _, schema in requests(service) for node in nodes(schema) for error in errors(node)
    }

    assert "missing" in found
    assert found <= MESSAGES.keys()


def test_lengths_of_secrets_are_among_the_errors() -> None:
    found = {
        error for _, part in requests("auth") for node in nodes(part) for error in errors(node)
    }

    assert {"too_short", "too_long"} <= found


def test_every_field_of_a_body_has_a_message_for_a_missing_value() -> None:
    fields = {
        name
        for service in BASES
        for _, schema in requests(service)
        for node in nodes(schema)
        if node["type"] == "model-fields"
        for name in (field["validation_alias"] for field in node["fields"].values())
    }

    assert fields == REQUIRED.keys()


def test_messages_of_fields_have_codes_and_fields_that_exist() -> None:
    assert {field for field, _ in OF_FIELD} <= REQUIRED.keys()
    assert {code for _, code in OF_FIELD} <= MESSAGES.keys()


def test_message_of_an_unknown_code_is_general() -> None:
    assert message_of("url_parsing", "homepage", "x", {}) == "This value is not valid"
