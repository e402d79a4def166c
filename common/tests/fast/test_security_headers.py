"""Strict-Transport-Security, which depends on the request. tests/contract checks the others."""

import httpx
import pytest
from starlette.responses import PlainTextResponse

from ticketing_common.web.middleware.security_headers import SecurityHeadersMiddleware

# client/tests/unit/server/strict-transport-security.test.ts has the same cases.
DOMAINS = [
    "ticketing.dev",
    "Shop.Example.ORG:8443",
    "example.org.",
    "127.0.0.1.example.org",
    "xn--e1a.xn--p1ai",
]
OTHER_HOSTS = [
    *("localhost", "localhost:8080", "shop.localhost", "shop.LOCALHOST.", "shop.localhost:443"),
    *("127.0.0.1", "127.0.0.1:8443", "10.0.0.1", "[::1]", "[::1]:8443", "[2001:db8::1]"),
    *("tickets-srv", "", "a b.org", "example.org:x", ".", "example..org"),
]


async def policy(host: str, url: str = "http://service", **headers: str) -> str | None:
    """Return the Strict-Transport-Security of a response."""
    transport = httpx.ASGITransport(app=SecurityHeadersMiddleware(PlainTextResponse("a")))
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        response = await client.get("/", headers={"Host": host, **headers})
    sent: str | None = response.headers.get("Strict-Transport-Security")
    return sent


@pytest.mark.parametrize("host", DOMAINS)
async def test_strict_transport_security_is_sent_for_domain_names_over_https(host: str) -> None:
    https = {"X-Forwarded-Proto": "https"}
    assert await policy(host, **https) == "max-age=31536000"
    assert await policy(host, "https://service") == "max-age=31536000"
    assert await policy(host, **{"X-Forwarded-Proto": "HTTPS, http"}) == "max-age=31536000"

    assert await policy(host) is None
    assert await policy(host, "https://service", **{"X-Forwarded-Proto": "http"}) is None


@pytest.mark.parametrize("host", OTHER_HOSTS)
async def test_strict_transport_security_is_not_sent_for_localhost_and_addresses(host: str) -> None:
    assert await policy(host, **{"X-Forwarded-Proto": "https"}) is None
