"""Exception handlers: every failure becomes the error body of the API."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ticketing_common.errors import (
    ErrorBody,
    ErrorDetail,
    NotAuthorized,
    ServiceError,
    Unavailable,
)
from ticketing_common.persistence.database import is_unavailable
from ticketing_common.validation_messages import MESSAGES, message_of
from ticketing_common.web.sessions import Sessions, current_session

HTTP_ERRORS = {
    400: ("bad_request", "The body cannot be read. It is nested too deeply or has a huge number."),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
}
"""Codes and messages of the errors that Starlette raises by itself."""


def error_response(error: ServiceError) -> JSONResponse:
    """Return the response of an error."""
    return _response(error.status, [error.detail()], error.retry_after)


def crash_response() -> JSONResponse:
    """Return the response of a crash, which reveals nothing about it."""
    return error_response(ServiceError())


def _response(
    status: int, errors: Iterable[ErrorDetail], retry_after: int | None = None
) -> JSONResponse:
    body = ErrorBody(errors=list(errors)).model_dump(mode="json", exclude_none=True)
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status, headers)


def install(app: FastAPI) -> None:
    """Register the exception handlers."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(PyMongoError, _on_database_error)


async def _on_service_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return error_response(error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if await _lacks_required_session(request):
        return error_response(NotAuthorized())
    return _response(400, map(_violated_rule, error.errors()))


async def _lacks_required_session(request: Request) -> bool:
    """Return whether the route requires a session and the request has none.

    FastAPI validates the body before it runs dependencies; the API checks the session first.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not depends_on(route.dependant, current_session):
        return False
    sessions: Sessions = request.app.state.sessions
    return await sessions.of(request) is None


def depends_on(dependant: Dependant, dependency: object) -> bool:
    """Return whether a route depends on `dependency`, directly or through another one."""
    return dependant.call is dependency or any(
        depends_on(child, dependency) for child in dependant.dependencies
    )


def _violated_rule(rule: Any) -> ErrorDetail:
    """Translate a pydantic error. Its type, such as `string_too_short`, is the code."""
    if rule["type"] == "json_invalid":
        return ErrorDetail(code="invalid_json", message=MESSAGES["invalid_json"])
    code = rule["type"] if rule["type"] in MESSAGES else "invalid_value"
    path = [str(part) for part in rule["loc"][1:]]
    message = message_of(code, path[-1] if path else None, rule["input"], rule.get("ctx", {}))
    return ErrorDetail(code=code, message=message, field=".".join(path) or None)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # A 400 here is a body that the JSON parser refuses: nested too deeply, or with a huge number.
    if error.status_code == 400 and await _lacks_required_session(request):
        return error_response(NotAuthorized())
    code, message = HTTP_ERRORS.get(error.status_code, ("http_error", "The request is refused"))
    response = _response(error.status_code, [ErrorDetail(code=code, message=message)])
    response.headers.update(error.headers or {})
    if error.status_code == 405:  # Starlette lists the methods of one route only
        response.headers["Allow"] = ", ".join(_allowed_methods(request))
    return response


def _allowed_methods(request: Request) -> list[str]:
    allowed = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] == Match.FULL
    ]
    return [*allowed, "HEAD"] if "GET" in allowed else allowed


async def _on_database_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PyMongoError)
    if is_unavailable(error):
        return error_response(Unavailable())
    raise error
