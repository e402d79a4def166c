"""The OpenAPI documents of the services against the contract."""

import functools
from typing import Any

import pytest
from tests.contract.apps import make_app
from tests.contract.tables import BASES, PROBES, ROUTES, Route

Document = dict[str, Any]

COMMON_STATUSES = {500, 503}
MUTATING_STATUSES = {400, 403, 409, 413, 429}

each_route = pytest.mark.parametrize("route", ROUTES, ids=str)


@functools.cache
def document(service: str) -> Document:
    return make_app(service).openapi()


def operation(document: Document, route: Route) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][route.template][route.method.lower()]
    return found


@pytest.mark.parametrize("service", BASES)
def test_openapi_document_has_exactly_the_contract_routes(service: str) -> None:
    documented = {
        (method.upper(), path)
        for path, operations in document(service)["paths"].items()
        for method in operations
    }
    expected = {(route.method, route.template) for route in ROUTES if route.service == service}
    assert documented == expected


@pytest.mark.parametrize("service", BASES)
def test_openapi_document_has_no_probes(service: str) -> None:
    assert document(service)["paths"].keys().isdisjoint(PROBES)


@each_route
def test_operation_has_exactly_the_contract_statuses(route: Route) -> None:
    documented = {int(status) for status in operation(document(route.service), route)["responses"]}
    expected = route.statuses | COMMON_STATUSES
    if route.method != "GET":
        expected |= MUTATING_STATUSES
    elif route.path.endswith("/stream"):
        expected |= {429}
    else:
        expected |= {304}
    if route.needs_session:
        expected |= {401}
    if route.query:
        expected |= {400}
    assert documented == expected


@each_route
def test_operation_describes_errors_as_error_body(route: Route) -> None:
    openapi = document(route.service)
    for status, response in operation(openapi, route)["responses"].items():
        if int(status) >= 400:
            schema = response["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorBody"}
            assert response["description"]
    schemas = openapi["components"]["schemas"]
    assert schemas["ErrorBody"]["properties"]["errors"]["items"] == {
        "$ref": "#/components/schemas/ErrorDetail"
    }
    assert schemas["ErrorDetail"]["required"] == ["code", "message"]
    assert "HTTPValidationError" not in schemas


@each_route
def test_operation_requires_session_cookie_if_route_does(route: Route) -> None:
    openapi = document(route.service)
    security = operation(openapi, route).get("security", [])
    if route.needs_session:
        [[name]] = security
        scheme = openapi["components"]["securitySchemes"][name]
        assert (scheme["type"], scheme["in"], scheme["name"]) == (
            "apiKey",
            "cookie",
            "__Host-session",
        )
    else:  # no session, or an optional one
        assert security == [] or {} in security


@each_route
def test_operation_takes_idempotency_key_if_route_does(route: Route) -> None:
    parameters = operation(document(route.service), route).get("parameters", [])
    keys = [parameter for parameter in parameters if parameter["name"] == "Idempotency-Key"]
    assert [key["in"] for key in keys] == ["header"] * route.idempotent


@each_route
def test_operation_has_a_description(route: Route) -> None:
    assert operation(document(route.service), route)["description"]


@each_route
def test_operation_has_exactly_the_contract_parameters_and_fields(route: Route) -> None:
    openapi = document(route.service)
    documented = operation(openapi, route)
    query = [each["name"] for each in documented.get("parameters", []) if each["in"] == "query"]
    assert query == list(route.query)
    if route.body:
        body = documented["requestBody"]["content"]["application/json"]["schema"]
        [name] = [
            shape["$ref"].rpartition("/")[2]
            for shape in body.get("anyOf", [body])
            if "$ref" in shape
        ]
        assert openapi["components"]["schemas"][name]["properties"].keys() == route.body.keys()
    else:
        assert ("requestBody" in documented) == route.raw_body
