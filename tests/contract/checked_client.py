"""An HTTP client that checks the properties that every response must have."""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.contract.apps import make_app
from tests.contract.tables import ROUTES, Route

from ticketing_common.web.middleware.security_headers import SECURITY_HEADERS

PYDANTIC_MESSAGE = re.compile("(String|Input|Value|Field|Decimal input) (should|required|error)")


@functools.cache
def documented_statuses(route: Route) -> set[int]:
    operation = make_app(route.service).openapi()["paths"][route.template][route.method.lower()]
    return {int(status) for status in operation["responses"]}


def routes_of(service: str) -> list[Route]:
    return [route for route in ROUTES if route.service == service]


@dataclass
class CheckedClient:
    """Sends requests and records the faults of their responses."""

    http: httpx.AsyncClient
    faults: list[str] = field(default_factory=list)

    async def send(
        self,
        description: str,
        route: Route,
        *,
        expect: set[int] | None = None,
        url: str | None = None,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """Send a request that should get one of these statuses, by default any documented one."""
        if route.body and "content" not in content:
            content["content"] = json.dumps(route.body)
        defaults = {"X-Request-ID": "request-1", "Content-Type": "application/json"}
        async with self.http.stream(
            route.method, url or route.url, headers=defaults | (headers or {}), **content
        ) as response:
            if not is_stream(response):
                await response.aread()
        faults = [*self._faults_of(response)]
        if response.status_code not in (expect or documented_statuses(route) - {500, 503}):
            faults.append(f"the status should be {expect or 'a documented one'}")
        for fault in faults:
            body = "a stream" if is_stream(response) else response.text[:200]
            self.faults.append(f"{route}, {description}: {response.status_code} {body}: {fault}")
        return response

    def _faults_of(self, response: httpx.Response) -> Iterator[str]:
        if response.headers.get("X-Request-ID") != "request-1":
            yield "another request id"
        if not has_security_headers(response):
            yield "security headers are missing"
        if response.status_code in (422, 500, 503):
            yield "this status is never allowed"
        if response.status_code >= 400 and not is_error_body(response):
            yield "not the documented error body"


def is_stream(response: httpx.Response) -> bool:
    """Return whether the response has no end, so that only its head can be read."""
    return "text/event-stream" in response.headers.get("Content-Type", "")


def is_public_ticket(response: httpx.Response) -> bool:
    """Return whether the response is a ticket, or a list of them, that everybody may see."""
    request = response.request
    return (
        response.status_code in (200, 304)
        and request.method == "GET"
        and re.fullmatch("/api/tickets/?([0-9a-f]{24}/?)?", request.url.path) is not None
        and request.url.params.get("seller") is None
    )


def has_security_headers(response: httpx.Response) -> bool:
    is_public = is_stream(response) or is_public_ticket(response)
    caching = {"Cache-Control": "no-cache"} if is_public else {}
    expected = SECURITY_HEADERS | caching
    return all(response.headers.get(name) == value for name, value in expected.items())


def is_error_body(response: httpx.Response) -> bool:
    if response.headers["Content-Type"] != "application/json":
        return False
    body = response.json()
    return (
        body.keys() == {"errors"}
        and len(body["errors"]) > 0
        and all(
            {"code", "message"} <= error.keys() <= {"code", "message", "field"}
            and re.fullmatch("[a-z][a-z0-9_]*", error["code"]) is not None
            and all(isinstance(value, str) and value for value in error.values())
            and PYDANTIC_MESSAGE.search(error["message"]) is None
            for error in body["errors"]
        )
    )
