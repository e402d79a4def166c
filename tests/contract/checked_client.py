"""Somebody who sends anything to any route, and looks at what every answer has to have."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.contract.apps import make_app
from tests.contract.tables import ROUTES, Route

from ticketing_common.web.request_logging import SECURITY_HEADERS


@functools.cache
def documented(route: Route) -> set[int]:
    operation = make_app(route.service).openapi()["paths"][route.template][route.method.lower()]
    return {int(status) for status in operation["responses"]}


def routes_of(service: str) -> list[Route]:
    return [route for route in ROUTES if route.service == service]


@dataclass
class Stranger:
    """Sends things and notes each answer that is not as it should be."""

    http: httpx.AsyncClient
    complaints: list[str] = field(default_factory=list)

    async def send(
        self,
        what: str,
        route: Route,
        *,
        expect: set[int] | None = None,
        url: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send it; expect one of these statuses, else any documented one but a crash."""
        if route.body and "content" not in more:
            more["content"] = json.dumps(route.body)
        given = {"X-Request-ID": "stranger-1", "Content-Type": "application/json"}
        async with self.http.stream(
            route.method, url or route.url, headers=given | (headers or {}), **more
        ) as response:
            if not is_stream(response):
                await response.aread()
        wrong = [*self._faults(response)]
        if response.status_code not in (expect or documented(route) - {500, 503}):
            wrong.append(f"the status is not of {expect or 'those that are documented'}")
        for fault in wrong:
            words = "a stream" if is_stream(response) else response.text[:200]
            self.complaints.append(f"{route}, {what}: {response.status_code} {words}: {fault}")
        return response

    def _faults(self, response: httpx.Response) -> Iterator[str]:
        if response.headers.get("X-Request-ID") != "stranger-1":
            yield "not our request id"
        if not has_security_headers(response):
            yield "security headers are missing"
        if response.status_code in (422, 500, 503):
            yield "never"
        if response.status_code >= 400 and not is_one_shape(response):
            yield "not the one shape"


def is_stream(response: httpx.Response) -> bool:
    """Whether the answer has no end, so that only its head can be read."""
    return "text/event-stream" in response.headers.get("Content-Type", "")


def has_security_headers(response: httpx.Response) -> bool:
    caching = {"Cache-Control": "no-cache"} if is_stream(response) else {}
    wanted = SECURITY_HEADERS | caching
    return all(response.headers.get(name) == value for name, value in wanted.items())


def is_one_shape(response: httpx.Response) -> bool:
    if response.headers["Content-Type"] != "application/json":
        return False
    body = response.json()
    return (
        body.keys() == {"errors"}
        and len(body["errors"]) > 0
        and all(
            {"message"} <= error.keys() <= {"message", "field"}
            and all(isinstance(value, str) and value for value in error.values())
            for error in body["errors"]
        )
    )
