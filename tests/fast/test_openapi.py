"""What the services say of themselves, held against what was promised."""

import functools
from typing import Any

import pytest
from tests.contract.apps import make_app
from tests.contract.tables import BASES, PROBES, ROUTES, Route

Document = dict[str, Any]

OF_ANY = {500, 503}
OF_ANY_CHANGE = {400, 403, 409, 413}

every_route = pytest.mark.parametrize("route", ROUTES, ids=str)


@functools.cache
def document(service: str) -> Document:
    return make_app(service).openapi()


def operation(document: Document, route: Route) -> dict[str, Any]:
    described: dict[str, Any] = document["paths"][route.template][route.method.lower()]
    return described


@pytest.mark.parametrize("service", BASES)
def test_the_routes_are_exactly_those_that_were_promised(service: str) -> None:
    described = {
        (method.upper(), path)
        for path, operations in document(service)["paths"].items()
        for method in operations
    }
    promised = {(route.method, route.template) for route in ROUTES if route.service == service}
    assert described == promised


@pytest.mark.parametrize("service", BASES)
def test_the_probes_are_not_for_the_public(service: str) -> None:
    assert document(service)["paths"].keys().isdisjoint(PROBES)


@every_route
def test_every_status_that_can_come_is_described_and_422_never_is(route: Route) -> None:
    described = {int(status) for status in operation(document(route.service), route)["responses"]}
    promised = route.statuses | OF_ANY
    if route.method != "GET":
        promised |= OF_ANY_CHANGE
    if route.for_users:
        promised |= {401}
    if route.query:
        promised |= {400}
    assert described == promised


@every_route
def test_every_failure_is_described_in_the_one_shape(route: Route) -> None:
    whole = document(route.service)
    for status, response in operation(whole, route)["responses"].items():
        if int(status) >= 400:
            shape = response["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/ErrorBody"}
            assert response["description"]
    shapes = whole["components"]["schemas"]
    assert shapes["ErrorBody"]["properties"]["errors"]["items"] == {
        "$ref": "#/components/schemas/FieldError"
    }
    assert shapes["FieldError"]["required"] == ["message"]
    assert "HTTPValidationError" not in shapes


@every_route
def test_a_route_for_users_wants_the_session_cookie(route: Route) -> None:
    whole = document(route.service)
    security = operation(whole, route).get("security", [])
    if route.for_users:
        [[name]] = security
        scheme = whole["components"]["securitySchemes"][name]
        assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", "session")
    else:  # none, or as one of two ways
        assert security == [] or {} in security


@every_route
def test_a_change_of_tickets_orders_and_payments_takes_an_idempotency_key(route: Route) -> None:
    parameters = operation(document(route.service), route).get("parameters", [])
    keys = [parameter for parameter in parameters if parameter["name"] == "Idempotency-Key"]
    assert [key["in"] for key in keys] == ["header"] * route.idempotent


@every_route
def test_every_route_says_what_it_is_for(route: Route) -> None:
    assert operation(document(route.service), route)["description"]


@every_route
def test_every_parameter_and_field_that_was_promised_is_described(route: Route) -> None:
    whole = document(route.service)
    described = operation(whole, route)
    query = [each["name"] for each in described.get("parameters", []) if each["in"] == "query"]
    assert query == list(route.query)
    if route.body:
        body = described["requestBody"]["content"]["application/json"]["schema"]
        [name] = [
            shape["$ref"].rpartition("/")[2]
            for shape in body.get("anyOf", [body])
            if "$ref" in shape
        ]
        assert whole["components"]["schemas"][name]["properties"].keys() == route.body.keys()
    else:
        assert ("requestBody" in described) == route.raw_body
