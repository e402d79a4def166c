"""The OpenAPI document of a service, with every error that its routes can return."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from ticketing_common.errors import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    CrossOrigin,
    ErrorBody,
    NotAuthorized,
    RateLimited,
    ServiceError,
    Unavailable,
)
from ticketing_common.validation_messages import MESSAGES
from ticketing_common.web.error_handlers import depends_on
from ticketing_common.web.idempotency import (
    HEADER,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    RequestInProgress,
)
from ticketing_common.web.middleware.concurrency_limit import ServiceOverloaded
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS
from ticketing_common.web.sessions import current_session

METHODS = {"get", *(method.lower() for method in MUTATING_METHODS)}


class InvalidRequest(BadRequest):
    """A required field is missing. Every other validation rule has a code of its own."""

    code = "missing"
    message = MESSAGES[code]


def install(app: FastAPI, *, idempotent: bool) -> None:
    """Make `app.openapi()` include the responses of middleware and exception handlers."""

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
            schemas["ErrorDetail"] = schemas["ErrorBody"].pop("$defs")["ErrorDetail"]
            protected = _protected_operations(app)
            for path, operations in document["paths"].items():
                for method in METHODS & operations.keys():
                    if method == "get":
                        _complete_read(operations[method])
                    _complete(
                        operations[method],
                        mutating=method.upper() in MUTATING_METHODS,
                        protected=(path, method.upper()) in protected,
                        idempotent=idempotent,
                    )
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _protected_operations(app: FastAPI) -> set[tuple[str, str]]:
    """Return path and method of each operation that requires a session."""
    return {
        (str(route.path_format), method)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and depends_on(route.original_route.dependant, current_session)
        for method in route.methods or ()
    }


def _complete_read(operation: dict[str, Any]) -> None:
    """Add the headers and the status of `conditional.json_response`."""
    success = operation["responses"]["200"]
    if "application/json" not in success["content"]:  # an event stream
        return
    success["headers"] = {"ETag": {"schema": {"type": "string"}}, **success.get("headers", {})}
    operation["responses"]["304"] = {"description": "`If-None-Match` names the current `ETag`"}
    operation.setdefault("parameters", []).append(
        {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
    )


def _complete(
    operation: dict[str, Any], *, mutating: bool, protected: bool, idempotent: bool
) -> None:
    """Add the responses and parameters that do not come from the route itself."""
    responses = operation["responses"]
    takes_input = responses.pop("422", None) is not None
    takes_key = mutating and idempotent and protected  # a key belongs to a user
    errors: list[type[ServiceError]] = [ServiceError, Unavailable, ServiceOverloaded]
    if takes_input or mutating:
        errors.append(InvalidRequest)
    if protected:
        errors.append(NotAuthorized)
    elif "security" in operation:  # a session is optional
        operation["security"].insert(0, {})
    if mutating:
        errors += [CrossOrigin, BodyTooLarge, Conflict, RateLimited]
    if takes_key:
        errors += [InvalidIdempotencyKey, IdempotencyKeyReused, RequestInProgress]
        operation.setdefault("parameters", []).append(
            {
                "name": HEADER,
                "in": "header",
                "description": "A repeated request with the same key gets the stored response.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    for status, response in error_responses(*errors).items():
        existing = responses.setdefault(str(status), response)
        examples = _examples(existing) | _examples(response)
        existing["content"]["application/json"]["examples"] = examples
        existing["description"] = _description(examples)


def error_responses(*errors: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` argument of a route that raises these errors."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in dict.fromkeys(error.status for error in errors):
        examples = dict(_example(error) for error in errors if error.status == status)
        content = {"schema": {"$ref": "#/components/schemas/ErrorBody"}, "examples": examples}
        responses[status] = {
            "description": _description(examples),
            "content": {"application/json": content},
        }
    return responses


def _example(error: type[ServiceError]) -> tuple[str, dict[str, Any]]:
    summary = (error.__doc__ or error.message).strip().splitlines()[0]
    detail = {"code": error.code, "message": error.message}
    return error.code, {"summary": summary, "value": {"errors": [detail]}}


def _examples(response: dict[str, Any]) -> dict[str, Any]:
    examples: dict[str, Any] = response["content"]["application/json"]["examples"]
    return examples


def _description(codes: Iterable[str]) -> str:
    return "Codes: " + ", ".join(f"`{code}`" for code in codes)
