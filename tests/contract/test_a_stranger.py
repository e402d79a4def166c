"""Whatever a stranger sends gets its documented status in the one shape of an error."""

import asyncio
import base64
import functools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.contract.apps import make_app
from tests.contract.conftest import Serve
from tests.contract.promises import AN_ID, BASES, ROUTES, Route

from ticketing_common.http.observed import SECURITY_HEADERS
from ticketing_common.testing import World, somebody

every_service = pytest.mark.parametrize("service", BASES)

WRONG_BODIES = {
    "nothing": b"",
    "half an object": b'{"title": ',
    "a number": b"1",
    "a list": b"[]",
    "a text": b'"title"',
    "null": b"null",
    "an empty object": b"{}",
    "no JSON": b"title=Concert",
    "a NUL byte": b"\x00",
    "bytes that are no UTF-8": b'{"title": "\xff\xfe"}',
    "lists in lists in lists": b"[" * 20_000 + b"]" * 20_000,
    "objects in objects in objects": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "a number of 5000 digits": b'{"price": ' + b"9" * 5_000 + b"}",
}
# As JSON text, for some of it is none that Python would write.
WRONG_IN_ANY_FIELD = {
    "null": "null",
    "true": "true",
    "a list": "[]",
    "a list of texts": '["a"]',
    "an object": "{}",
    "an operator": '{"$gt": ""}',
    "another operator": '{"$where": "sleep(1000)"}',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a number beyond all floats": "1e400",
    "a number of 31 digits": str(10**30),
    "a number of 5000 digits": "9" * 5_000,
    "half a character": '"\\ud800"',
    "half a character among whole ones": '"tok_abcdefgh\\ud800"',
    "an over-long text": json.dumps("x" * 4_000),
    "an empty text": '""',
}
# What may be right for some fields.
ODD_IN_ANY_FIELD = {
    "a NUL": '"\\u0000"',
    "a NUL inside": '"abc\\u0000defgh"',
    "spaces": json.dumps("\u2003" * 12),
    "an operator's name": '"$gt"',
    "one": "1",
    "a fraction": "1.005",
    "less than nothing": "-1",
    "text the other way": json.dumps("\u202eabcdefgh"),
}
WRONG_IDS = [
    "0",
    "null",
    "[object Object]",
    AN_ID[:-1],
    AN_ID + "0",
    "g" * 24,
    "x" * 5_000,
    "%00",
    "%ff%fe",
    AN_ID[:-3] + "%00",
    AN_ID + "%0A",
    "$gt",
    "%7B%22$gt%22:%22%22%7D",
    "\u0661" * 24,
]
WRONG_COOKIES = [
    "",
    "x",
    "..",
    "a.b.c",
    "\u00e9",
    "x" * 4_000,
    '"',
    # No signature: {"alg": "none"}, and somebody's claims.
    "eyJhbGciOiJub25lIn0."
    + base64.urlsafe_b64encode(
        json.dumps({"sub": AN_ID, "email": "a@example.com", "iat": 0, "exp": 9e12}).encode()
    ).decode()
    + ".",
]


def a_cursor(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode()


WRONG_CURSORS = [
    "",
    "x",
    "\u00e9",
    "=" * 8,
    "x" * 300,
    a_cursor("[]"),
    a_cursor("{}"),
    a_cursor("1"),
    a_cursor("null"),
    a_cursor('["1"]'),
    a_cursor('["1", "x"]'),
    a_cursor('["1", {"$gt": ""}]'),
    a_cursor("[" * 90),
    a_cursor(f'[{"9" * 80}, "x"]'),
]
WRONG_PRICES_IN_A_CURSOR = ["", "x", "1e99999", "1e-99999", "sNaNx", "1" * 60, "{'$gt': ''}"]
WRONG_QUERIES = {
    "limit": ["", "0", "101", "-1", "x", "1.5", "NaN", "1e2", "9" * 5_000, "%00"],
    "sort": ["", "x", "$gt", "-title", "%00"],
    "seller": ["", "you", AN_ID, "%00"],
    "q": ["x" * 201],
    "cursor": WRONG_CURSORS,
    "token": ["x" * 129],
    "lastEventId": ["x" * 41],
}
ODD_QUERIES = {
    "q": ["", "%00", "%ff", ".*", "(((((", "\\", "$gt", "a" * 200, "\u202e", "%F0%9F%8E%B8"],
    "token": ["", "%00", "%ff", "$gt"],
    "lastEventId": ["", "%00", "%ff", "x", "-1", "9" * 40, "\u0661"],
    "nobody-knows-it": ["", "%00", "x" * 5_000],
    "limit[$gt]": ["1"],
}


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


Strangers = Callable[[str], AbstractAsyncContextManager[tuple[Stranger, Stranger]]]


@pytest.fixture
def strangers(serve: Serve) -> Strangers:
    """One who is not signed in and one who is, in front of a service; neither may complain."""

    @asynccontextmanager
    async def sending(service: str) -> AsyncIterator[tuple[Stranger, Stranger]]:
        async with serve(service) as served:
            nobody = Stranger(await served.visitor())
            user = Stranger(await served.visitor(somebody()))
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
        http = await served.visitor()
        headers: Any = {"X-Request-ID": request_id.encode()}
        response = await http.get("/healthz", headers=headers)
        assert response.status_code == 200
        assert response.headers["X-Request-ID"].isalnum()
        assert response.headers["X-Request-ID"] != request_id


@every_service
async def test_a_crash_says_that_something_went_wrong_and_nothing_else(
    world: World, service: str
) -> None:
    async def crash() -> None:
        raise LookupError("the secret of the house")

    app = make_app(service, world)
    app.add_api_route("/crash", crash, methods=["GET", "POST"])
    async with world.serving(app) as served:
        http = await served.visitor(somebody())
        with_key = {"Idempotency-Key": "k"}
        for method, headers in [("GET", {}), ("POST", {}), ("POST", with_key), ("POST", with_key)]:
            headers = {"X-Request-ID": "stranger-1", **headers}
            response = await http.request(method, "/crash", headers=headers)
            assert response.status_code == 500
            assert response.json() == {"errors": [{"message": "Something went wrong"}]}
            assert response.headers["X-Request-ID"] == "stranger-1"
            assert has_security_headers(response)
