"""Invalid requests to every route: the response is a documented error."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.contract.checked_client import CheckedClient, has_security_headers, routes_of
from tests.contract.invalid_inputs import (
    INVALID_BODIES,
    INVALID_COOKIES,
    INVALID_CURSOR_PRICES,
    INVALID_IDS,
    INVALID_QUERIES,
    INVALID_TEXTS,
    INVALID_VALUES,
    UNUSUAL_QUERIES,
    UNUSUAL_VALUES,
    encode_cursor,
)
from tests.contract.tables import AN_ID, BASES, Route

from ticketing_testing import RunningService, new_user

OPTIONAL_FIELDS = {"ticketVersions"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def guest(service: RunningService) -> AsyncIterator[CheckedClient]:
    """A client without a session. The test fails if a response has a fault."""
    client = CheckedClient(await service.client())
    yield client
    assert client.faults == []


@pytest_asyncio.fixture(loop_scope="module")
async def user(service: RunningService) -> AsyncIterator[CheckedClient]:
    """A client with a session. The test fails if a response has a fault."""
    client = CheckedClient(await service.client(new_user()))
    yield client
    assert client.faults == []


async def test_routes_refuse_invalid_bodies(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    for route in routes_of(service_name):
        if route.body:
            for description, content in INVALID_BODIES.items():
                status = {401} if route.needs_session else {400}
                await guest.send(description, route, content=content, expect=status)
                await user.send(description, route, content=content, expect={400})


async def test_routes_refuse_invalid_fields_by_name(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    for route in routes_of(service_name):
        for name in route.body:
            rest = {key: json.dumps(value) for key, value in route.body.items() if key != name}
            invalid = INVALID_VALUES | ({} if "password" in name.lower() else INVALID_TEXTS)
            for kind, value in (INVALID_VALUES | INVALID_TEXTS | UNUSUAL_VALUES).items():
                fields = (f'"{key}": {text}' for key, text in (rest | {name: value}).items())
                content = f"{{{', '.join(fields)}}}"
                description = f"{name} is {kind}"
                may_be_empty = kind in ("null", "an object") and name in OPTIONAL_FIELDS
                expected = {400} if kind in invalid and not may_be_empty else None
                status = {401} if route.needs_session else expected
                await guest.send(description, route, content=content, expect=status)
                response = await user.send(description, route, content=content, expect=expected)
                if expected and len(value) < 5_000:  # a number of 5000 digits is no JSON
                    reported = {_field(error) for error in response.json()["errors"]}
                    assert reported == {name}, f"{route}, {description}: {response.text}"
            without = json.dumps({key: route.body[key] for key in rest})
            missing = None if name in OPTIONAL_FIELDS else {400}
            await user.send(f"no {name}", route, content=without, expect=missing)


async def test_routes_refuse_invalid_ids(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    for route in routes_of(service_name):
        if AN_ID in route.url:
            for invalid in INVALID_IDS:
                url = route.url.replace(AN_ID, invalid)
                status = {401} if route.needs_session else {400}
                await guest.send(invalid, route, url=url, expect=status)
                await user.send(invalid, route, url=url, expect={400})


async def test_routes_refuse_invalid_queries_and_accept_unusual_ones(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    for route in routes_of(service_name):
        for name, values in INVALID_QUERIES.items():
            for value in values if name in route.query else []:
                url = f"{route.url}?{name}={value}"
                status = {401} if route.needs_session else {400}
                await guest.send(url, route, url=url, expect=status)
                await user.send(url, route, url=url, expect={400})
        for name, values in UNUSUAL_QUERIES.items():
            for value in values:
                url = f"{route.url}?{name}={value}"
                await user.send(url, route, url=url)
        if "sort" in route.query:
            for price in INVALID_CURSOR_PRICES:
                cursor = encode_cursor(json.dumps([price, AN_ID]))
                url = f"{route.url}?sort=price&cursor={cursor}"
                await user.send(f"{url} ({price})", route, url=url, expect={400})


async def test_routes_ignore_invalid_cookies(guest: CheckedClient, service_name: str) -> None:
    for route in routes_of(service_name):
        for cookie in INVALID_COOKIES:
            await guest.send(
                f"cookie {cookie[:20]}",
                route,
                headers={"Cookie": f"session={cookie}".encode()},  # type: ignore[dict-item]
                expect={401} if route.needs_session else None,
            )


async def test_routes_refuse_other_content_types(user: CheckedClient, service_name: str) -> None:
    for route in routes_of(service_name):
        if route.body:
            for kind in ("text/plain", "application/x-www-form-urlencoded", "x", ""):
                headers = {"Content-Type": kind}
                await user.send(f"content type {kind}", route, headers=headers, expect={400})


async def test_routes_refuse_invalid_idempotency_keys(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    for route in routes_of(service_name):
        if route.idempotent:
            for key in ("", "a b", "x" * 256, "\u00e9"):
                headers: Any = {"Idempotency-Key": key.encode()}
                await guest.send(f"key {key}", route, headers=headers, expect={401})
                await user.send(f"key {key}", route, headers=headers, expect={400})


async def test_routes_refuse_bodies_over_64_kib_with_and_without_length(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:

    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024

    for route in routes_of(service_name):
        if route.method != "GET":
            large = b" " * 65 * 1024
            await guest.send("65 KiB", route, content=large, expect={413})
            await user.send("65 KiB", route, content=large, expect={413})
            await user.send("65 KiB in chunks", route, content=in_chunks(), expect={413})


async def test_routes_refuse_too_large_bodies_before_they_arrive(
    service_name: str, service: RunningService
) -> None:
    for route in routes_of(service_name):
        if route.method != "GET":
            host, port = service.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = [f"{route.method} {route.url} HTTP/1.1", "Host: x"]
            head += [f"Content-Length: {2**30}", "", ""]
            writer.write("\r\n".join(head).encode())
            assert b" 413 " in await reader.readline()
            writer.close()
            await writer.wait_closed()


async def test_routes_refuse_changes_from_other_origins(
    user: CheckedClient, service_name: str
) -> None:
    origins = ["https://evil.example", "null", "http://[", "x", "", "http://127.0.0.1"]
    for route in routes_of(service_name):
        status = {403} if route.method != "GET" else None
        for origin in origins:
            headers = {"Origin": origin}
            await user.send(f"from {origin}", route, headers=headers, expect=status)
        headers = {"Sec-Fetch-Site": "cross-site"}
        await user.send("from another site", route, headers=headers, expect=status)


async def test_unknown_routes_are_not_found(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    base = BASES[service_name]
    for client in (guest, user):
        for path in ("/", "/api", f"{base}x", f"{base}/{AN_ID}/x/y", "/docs", "/.env"):
            for method in ("GET", "POST", "DELETE", "PATCH"):
                route = Route(service_name, method, path, set())
                await client.send("no route", route, url=path, expect={404})


def _field(error: dict[str, Any]) -> str:
    """Return the field of the body that an error is about, also if its entry names a part of it."""
    return str(error.get("field")).partition(".")[0]


def matches(route: Route, url: str) -> bool:
    """Return whether the route's path pattern matches the URL."""
    return re.fullmatch(re.sub("{[^/]*}", "[^/]*", route.template), url) is not None


async def test_unknown_methods_are_not_allowed_and_allow_header_lists_the_others(
    guest: CheckedClient, user: CheckedClient, service_name: str
) -> None:
    methods: dict[str, set[str]] = {}
    for route in routes_of(service_name):
        methods.setdefault(route.url, set()).add(route.method)
    for url, named in methods.items():
        # A literal path can also match the path of another route with an id.
        allowed = named | {route.method for route in routes_of(service_name) if matches(route, url)}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - allowed:
            route = Route(service_name, method, url, set())
            await guest.send("no such method", route, url=url, expect={405})
            response = await user.http.request(method, url)
            listed = {each.strip() for each in response.headers["Allow"].split(",")}
            assert listed == allowed, f"{method} {url}"


@pytest.mark.parametrize("request_id", ["", "two words", "x" * 129, "<script>", "a\u00e9"])
async def test_invalid_request_ids_are_replaced(service: RunningService, request_id: str) -> None:
    http = await service.client()
    headers: Any = {"X-Request-ID": request_id.encode()}
    response = await http.get("/healthz", headers=headers)
    assert response.status_code == 200
    assert response.headers["X-Request-ID"].isalnum()
    assert response.headers["X-Request-ID"] != request_id


async def test_crash_returns_the_internal_error_body(service: RunningService) -> None:
    http = await service.client(new_user())
    with_key = {"Idempotency-Key": "k"}
    for method, headers in [("GET", {}), ("POST", {}), ("POST", with_key), ("POST", with_key)]:
        headers = {"X-Request-ID": "request-1", **headers}
        response = await http.request(method, "/crash", headers=headers)
        assert response.status_code == 500
        assert response.json() == {
            "errors": [{"code": "internal_error", "message": "Something went wrong"}]
        }
        assert response.headers["X-Request-ID"] == "request-1"
        assert has_security_headers(response)
