"""Whatever a stranger sends gets its documented status in the one shape of an error."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from tests.contract.apps import make_app
from tests.contract.checked_client import Stranger, has_security_headers, routes_of
from tests.contract.conftest import Serve
from tests.contract.invalid_inputs import (
    ODD_IN_ANY_FIELD,
    ODD_QUERIES,
    WRONG_BODIES,
    WRONG_COOKIES,
    WRONG_IDS,
    WRONG_IN_ANY_FIELD,
    WRONG_PRICES_IN_A_CURSOR,
    WRONG_QUERIES,
    a_cursor,
)
from tests.contract.tables import AN_ID, BASES, Route

from ticketing_testing import TestEnvironment, new_user

every_service = pytest.mark.parametrize("service", BASES)

Strangers = Callable[[str], AbstractAsyncContextManager[tuple[Stranger, Stranger]]]


@pytest.fixture
def strangers(serve: Serve) -> Strangers:
    """One who is not signed in and one who is, in front of a service; neither may complain."""

    @asynccontextmanager
    async def sending(service: str) -> AsyncIterator[tuple[Stranger, Stranger]]:
        async with serve(service) as served:
            nobody = Stranger(await served.client())
            user = Stranger(await served.client(new_user()))
            yield nobody, user
            assert nobody.complaints + user.complaints == []

    return sending


@every_service
async def test_a_body_that_is_none_is_refused(strangers: Strangers, service: str) -> None:
    async with strangers(service) as (nobody, user):
        for route in routes_of(service):
            if route.body:
                for what, content in WRONG_BODIES.items():
                    refusal = {401} if route.for_users else {400}
                    await nobody.send(what, route, content=content, expect=refusal)
                    await user.send(what, route, content=content, expect={400})


@every_service
async def test_a_field_that_is_wrong_is_refused_by_its_name(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, user):
        for route in routes_of(service):
            for name in route.body:
                rest = {key: json.dumps(value) for key, value in route.body.items() if key != name}
                for what, value in (WRONG_IN_ANY_FIELD | ODD_IN_ANY_FIELD).items():
                    fields = (f'"{key}": {text}' for key, text in (rest | {name: value}).items())
                    content = f"{{{', '.join(fields)}}}"
                    told = f"{name} is {what}"
                    wrong = {400} if what in WRONG_IN_ANY_FIELD else None
                    refusal = {401} if route.for_users else wrong
                    await nobody.send(told, route, content=content, expect=refusal)
                    response = await user.send(told, route, content=content, expect=wrong)
                    # 5000 digits leave no field, and no password at all is just a wrong one.
                    if wrong and len(value) < 5_000 and value != '""':
                        fields_named = {error.get("field") for error in response.json()["errors"]}
                        assert fields_named == {name}, f"{route}, {told}: {response.text}"
                without = json.dumps({key: route.body[key] for key in rest})
                await user.send(f"no {name}", route, content=without, expect={400})


@every_service
async def test_an_id_that_is_none_is_refused(strangers: Strangers, service: str) -> None:
    async with strangers(service) as (nobody, user):
        for route in routes_of(service):
            if AN_ID in route.url:
                for wrong in WRONG_IDS:
                    url = route.url.replace(AN_ID, wrong)
                    refusal = {401} if route.for_users else {400}
                    await nobody.send(wrong, route, url=url, expect=refusal)
                    await user.send(wrong, route, url=url, expect={400})


@every_service
async def test_a_query_that_is_wrong_is_refused_and_an_odd_one_answered(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, user):
        for route in routes_of(service):
            for name, values in WRONG_QUERIES.items():
                for value in values if name in route.query else []:
                    url = f"{route.url}?{name}={value}"
                    refusal = {401} if route.for_users else {400}
                    await nobody.send(url, route, url=url, expect=refusal)
                    await user.send(url, route, url=url, expect={400})
            for name, values in ODD_QUERIES.items():
                for value in values:
                    url = f"{route.url}?{name}={value}"
                    await user.send(url, route, url=url)
            if "sort" in route.query:
                for price in WRONG_PRICES_IN_A_CURSOR:
                    cursor = a_cursor(json.dumps([price, AN_ID]))
                    url = f"{route.url}?sort=price&cursor={cursor}"
                    await user.send(f"{url} ({price})", route, url=url, expect={400})


@every_service
async def test_a_cookie_that_does_not_verify_counts_as_none(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, _):
        for route in routes_of(service):
            for cookie in WRONG_COOKIES:
                await nobody.send(
                    f"cookie {cookie[:20]}",
                    route,
                    headers={"Cookie": f"session={cookie}".encode()},  # type: ignore[dict-item]
                    expect={401} if route.for_users else None,
                )


@every_service
async def test_a_body_of_another_content_type_is_refused(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (_, user):
        for route in routes_of(service):
            if route.body:
                for kind in ("text/plain", "application/x-www-form-urlencoded", "x", ""):
                    headers = {"Content-Type": kind}
                    await user.send(f"content type {kind}", route, headers=headers, expect={400})


@every_service
async def test_an_idempotency_key_that_is_none_is_refused(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, user):
        for route in routes_of(service):
            if route.idempotent:
                for key in ("", "a b", "x" * 256, "\u00e9"):
                    headers: Any = {"Idempotency-Key": key.encode()}
                    await nobody.send(f"key {key}", route, headers=headers, expect={401})
                    await user.send(f"key {key}", route, headers=headers, expect={400})


@every_service
async def test_a_body_over_64_kib_is_refused_whether_it_says_its_length_or_not(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, user):

        async def in_chunks() -> AsyncIterator[bytes]:
            for _ in range(65):
                yield b" " * 1024

        for route in routes_of(service):
            if route.method != "GET":
                large = b" " * 65 * 1024
                await nobody.send("65 KiB", route, content=large, expect={413})
                await user.send("65 KiB", route, content=large, expect={413})
                await user.send("65 KiB in chunks", route, content=in_chunks(), expect={413})


@every_service
async def test_a_body_that_will_be_too_large_is_refused_before_it_comes(
    serve: Serve, service: str
) -> None:
    async with serve(service) as served:
        for route in routes_of(service):
            if route.method != "GET":
                host, port = served.url.removeprefix("http://").split(":")
                reader, writer = await asyncio.open_connection(host, int(port))
                head = [f"{route.method} {route.url} HTTP/1.1", "Host: x"]
                head += [f"Content-Length: {2**30}", "", ""]
                writer.write("\r\n".join(head).encode())
                assert b" 413 " in await reader.readline()
                writer.close()
                await writer.wait_closed()


@every_service
async def test_a_change_from_a_page_of_another_origin_is_refused(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (_, user):
        origins = ["https://evil.example", "null", "http://[", "x", "", "http://127.0.0.1"]
        for route in routes_of(service):
            refusal = {403} if route.method != "GET" else None
            for origin in origins:
                headers = {"Origin": origin}
                await user.send(f"from {origin}", route, headers=headers, expect=refusal)
            headers = {"Sec-Fetch-Site": "cross-site"}
            await user.send("from another site", route, headers=headers, expect=refusal)


@every_service
async def test_a_route_that_is_none_is_not_found(strangers: Strangers, service: str) -> None:
    async with strangers(service) as both:
        base = BASES[service]
        for who in both:
            for path in ("/", "/api", f"{base}x", f"{base}/{AN_ID}/x/y", "/docs", "/.env"):
                for method in ("GET", "POST", "DELETE", "PATCH"):
                    route = Route(service, method, path, set())
                    await who.send("no route", route, url=path, expect={404})


def takes(route: Route, url: str) -> bool:
    """Whether a route takes any word where the URL has one."""
    return re.fullmatch(re.sub("{[^/]*}", "[^/]*", route.template), url) is not None


@every_service
async def test_a_method_that_is_none_is_not_allowed_and_told_which_are(
    strangers: Strangers, service: str
) -> None:
    async with strangers(service) as (nobody, user):
        methods: dict[str, set[str]] = {}
        for route in routes_of(service):
            methods.setdefault(route.url, set()).add(route.method)
        for url, named in methods.items():
            # A path of words alone may be one of ids, too.
            allowed = named | {route.method for route in routes_of(service) if takes(route, url)}
            for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - allowed:
                route = Route(service, method, url, set())
                await nobody.send("no such method", route, url=url, expect={405})
                response = await user.http.request(method, url)
                told = {each.strip() for each in response.headers["Allow"].split(",")}
                assert told == allowed, f"{method} {url}"


@every_service
@pytest.mark.parametrize("request_id", ["", "two words", "x" * 129, "<script>", "a\u00e9"])
async def test_a_request_id_that_is_none_is_replaced(
    serve: Serve, service: str, request_id: str
) -> None:
    async with serve(service) as served:
        http = await served.client()
        headers: Any = {"X-Request-ID": request_id.encode()}
        response = await http.get("/healthz", headers=headers)
        assert response.status_code == 200
        assert response.headers["X-Request-ID"].isalnum()
        assert response.headers["X-Request-ID"] != request_id


@every_service
async def test_a_crash_says_that_something_went_wrong_and_nothing_else(
    environment: TestEnvironment, service: str
) -> None:
    async def crash() -> None:
        raise LookupError("the secret of the house")

    app = make_app(service, environment)
    app.add_api_route("/crash", crash, methods=["GET", "POST"])
    async with environment.serve(app) as served:
        http = await served.client(new_user())
        with_key = {"Idempotency-Key": "k"}
        for method, headers in [("GET", {}), ("POST", {}), ("POST", with_key), ("POST", with_key)]:
            headers = {"X-Request-ID": "stranger-1", **headers}
            response = await http.request(method, "/crash", headers=headers)
            assert response.status_code == 500
            assert response.json() == {"errors": [{"message": "Something went wrong"}]}
            assert response.headers["X-Request-ID"] == "stranger-1"
            assert has_security_headers(response)
