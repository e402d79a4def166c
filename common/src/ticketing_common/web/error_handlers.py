"""Every failure in the one shape of an error."""

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

from ticketing_common.errors import ErrorBody, FieldError, NotAuthorized, ServiceError, Unavailable
from ticketing_common.persistence.database import is_unavailable
from ticketing_common.web.sessions import COOKIE, current_user


def failure(status: int, errors: Iterable[FieldError], retry_after: int | None) -> JSONResponse:
    body = ErrorBody(errors=list(errors)).model_dump(exclude_none=True)
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status, headers)


def answer(error: ServiceError) -> JSONResponse:
    """The response that an error stands for."""
    return failure(
        error.status, [FieldError(message=error.message, field=error.field)], error.retry_after
    )


def crash() -> JSONResponse:
    """What a caller is told of a crash: nothing."""
    return answer(ServiceError())


def install(app: FastAPI) -> None:
    """Have the app answer every exception in the contract's shape."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(PyMongoError, _on_database_error)


async def _on_service_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return answer(error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if await _is_a_strangers(request):
        return answer(NotAuthorized())
    return failure(400, map(_broken_rule, error.errors()), None)


async def _is_a_strangers(request: Request) -> bool:
    """Whether a malformed request wants a session and has none.

    FastAPI reads the body before it asks who calls; the contract asks who calls first.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not asks(route.dependant, current_user):
        return False
    return await request.app.state.sessions.read(request.cookies.get(COOKIE)) is None


def asks(dependant: Dependant, dependency: object) -> bool:
    """Whether a route depends on `dependency`, in itself or through another."""
    return dependant.call is dependency or any(
        asks(child, dependency) for child in dependant.dependencies
    )


def _broken_rule(rule: Any) -> FieldError:
    if rule["type"] == "json_invalid":
        return FieldError(message="The body is not valid JSON")
    path = [str(part) for part in rule["loc"][1:]]
    message = str(rule["msg"]).removeprefix("Value error, ")
    return FieldError(message=message, field=".".join(path) or None)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # A body that is beyond what a parser takes: nested too deeply, or with too long a number.
    if error.status_code == 400 and await _is_a_strangers(request):
        return answer(NotAuthorized())
    response = failure(
        error.status_code, [FieldError(message=str(error.detail).capitalize())], None
    )
    response.headers.update(error.headers or {})
    if error.status_code == 405:  # where Starlette tells of the methods of one route alone
        response.headers["Allow"] = ", ".join(_methods(request))
    return response


def _methods(request: Request) -> list[str]:
    """What the request's path can be asked with."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] == Match.FULL
    ]


async def _on_database_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PyMongoError)
    if is_unavailable(error):
        return answer(Unavailable())
    raise error
