"""Requests as bytes: the responses of uvicorn itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import FastAPI

from ticketing_common.web import http_protocol
from ticketing_testing.running_service import serve_app
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Send = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def connection() -> AsyncIterator[Send]:
    """Serve an application. Yields a function that sends bytes and reads until the end."""
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {}

    async with serve_app(app) as service:
        host, port = service.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))

        async def send(data: bytes) -> bytes:
            writer.write(data)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await reader.read()

        try:
            yield send
        finally:
            writer.close()
            with suppress(ConnectionError):  # the server closed it with unread bytes
                await writer.wait_closed()


def check_error(response: bytes, status: int, code: str) -> None:
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    headers = head.lower()
    for name in (b"x-request-id", b"x-content-type-options", b"cache-control: no-store"):
        assert name in headers
    assert b"connection: close" in headers
    [error] = json.loads(body)["errors"]
    assert error["code"] == code


@pytest.mark.parametrize(
    "data",
    [
        b"no HTTP at all\r\n\r\n",
        "GET /?q=caf\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_invalid_http_is_an_error_of_the_api(data: bytes) -> None:
    async with connection() as send:
        check_error(await send(data), 400, "invalid_http_request")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_too_large_headers_are_refused(end: bytes) -> None:
    header = b"X: " + b"x" * http_protocol.MAX_HEADER_BYTES * 2
    async with connection() as send:
        response = await send(b"GET / HTTP/1.1\r\nHost: x\r\n" + header + end)
    check_error(response, 431, "headers_too_large")


async def test_slow_headers_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "RECEIVE_TIMEOUT_SECONDS", 0.1)
    async with connection() as send:
        check_error(await send(b"GET / HTTP/1.1\r\nHost:"), 408, "request_timeout")


async def test_connections_without_a_request_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "RECEIVE_TIMEOUT_SECONDS", 0.1)
    async with connection() as send:
        assert await send(b"") == b""


async def test_connections_whose_body_never_ends_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "RECEIVE_TIMEOUT_SECONDS", 0.1)
    async with connection() as send:
        response = await send(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
    assert response.startswith(b"HTTP/1.1 200 ")


async def test_complete_requests_are_answered_on_one_connection() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n"
    async with connection() as send:
        response = await send(request + b"\r\n" + request + b"Connection: close\r\n\r\n")
    assert response.count(b"HTTP/1.1 200 ") == 2
