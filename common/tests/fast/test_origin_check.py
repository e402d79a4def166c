import pytest
from starlette.types import Message, Scope

from ticketing_common.web.middleware.origin_check import OriginCheckMiddleware


async def is_refused(**headers: str) -> bool:
    """Return whether a POST request with these headers is refused."""
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }
    passed = False

    async def app(*_: object) -> None:
        nonlocal passed
        passed = True

    async def receive() -> Message:
        raise AssertionError("the check needs no body")

    async def send(_: Message) -> None:
        pass

    await OriginCheckMiddleware(app)(scope, receive, send)
    return not passed


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://shop.example", "shop.example"),
        ("https://shop.example", "shop.example:443"),
        ("http://shop.example", "shop.example:80"),
        ("https://shop.example", "Shop.EXAMPLE"),
        ("https://shop.example:8443", "shop.example:8443"),
        ("http://[::1]:3000", "[::1]:3000"),
        ("http://localhost:3000", "localhost:3000"),
    ],
)
async def test_origin_check_accepts_the_own_origin(origin: str, host: str) -> None:
    assert not await is_refused(origin=origin, host=host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "shop.example"),
        ("https://shop.example.evil.example", "shop.example"),
        ("https://shop.example:444", "shop.example"),
        ("https://shop.example", "shop.example:80"),
        ("https://shop.example@evil.example", "evil.example"),
        ("https://shop.example/path", "shop.example"),
        ("ftp://shop.example", "shop.example"),
        ("shop.example", "shop.example"),
        ("null", "shop.example"),
        ("", ""),
        ("https://", ""),
        ("http://[", "["),
        ("https://shop.example:x", "shop.example:x"),
    ],
)
async def test_origin_check_refuses_another_origin(origin: str, host: str) -> None:
    assert await is_refused(origin=origin, host=host)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unknown", ""])
async def test_origin_check_refuses_other_sites_without_an_origin(site: str) -> None:
    assert await is_refused(sec_fetch_site=site, host="shop.example")


@pytest.mark.parametrize(
    "headers", [{}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}]
)
async def test_origin_check_accepts_requests_of_other_programs(headers: dict[str, str]) -> None:
    assert not await is_refused(host="shop.example", **headers)
