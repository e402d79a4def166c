"""The service's OpenAPI document, with every status that can come."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from ticketing_common.errors import (
    BadRequest,
    Conflict,
    CrossOrigin,
    ErrorBody,
    NotAuthorized,
    ServiceError,
    TooLarge,
    Unavailable,
)
from ticketing_common.web.error_handlers import asks
from ticketing_common.web.idempotency import HEADER
from ticketing_common.web.request_checks import MUTATING
from ticketing_common.web.sessions import current_user

METHODS = {"get", *(method.lower() for method in MUTATING)}


def install(app: FastAPI, *, idempotent: bool) -> None:
    """Have `app.openapi()` describe what stands around the routes too."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["ErrorBody"] = ErrorBody.model_json_schema(
                ref_template="#/components/schemas/{model}"
            )
            schemas["FieldError"] = schemas["ErrorBody"].pop("$defs")["FieldError"]
            for_users = _routes_for_users(app)
            for path, operations in document["paths"].items():
                for method in METHODS & operations.keys():
                    _describe(
                        operations[method],
                        mutating=method.upper() in MUTATING,
                        for_users=(path, method.upper()) in for_users,
                        idempotent=idempotent,
                    )
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _routes_for_users(app: FastAPI) -> set[tuple[str, str]]:
    """Path and method of each route that only somebody who is signed in may ask."""
    return {
        (str(route.path_format), method)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and asks(route.original_route.dependant, current_user)
        for method in route.methods or ()
    }


def _describe(
    operation: dict[str, Any], *, mutating: bool, for_users: bool, idempotent: bool
) -> None:
    responses = operation["responses"]
    takes_input = responses.pop("422", None) is not None
    errors: list[type[ServiceError]] = [Unavailable]
    if takes_input or mutating:
        errors.append(BadRequest)
    if for_users:
        errors.append(NotAuthorized)
    elif "security" in operation:  # it makes a difference who asks, but anybody may
        operation["security"].insert(0, {})
    if mutating:
        errors += [CrossOrigin, TooLarge, Conflict]
    for error in errors:
        responses.setdefault(str(error.status), _described(error))
    responses["500"] = _described(ServiceError)
    if mutating and idempotent and for_users:  # a key is its caller's own
        operation.setdefault("parameters", []).append(
            {
                "name": HEADER,
                "in": "header",
                "description": "Repeat a request with the same key and it is answered, not done, "
                "again.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )


def error_responses(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """An operation's `responses`: the errors that it raises beside those that any may."""
    return {error.status: _described(error) for error in errors}


def _described(error: type[ServiceError]) -> dict[str, Any]:
    return {
        "description": error.message,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
    }
