import json
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ticketing_common.observability import logs, tracing
from ticketing_common.web.middleware.request_logging import RequestLoggingMiddleware
from ticketing_common.web.middleware.security_headers import SecurityHeadersMiddleware

pytestmark = pytest.mark.usefixtures("restored_logging")

Capture = pytest.CaptureFixture[str]
TRACE = "0af7651916cd43dd8448eb211c80319c"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    carrier = tracing.trace_headers()
    await PlainTextResponse(carrier["traceparent"])(scope, receive, send)


async def crash(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("a secret")


async def respond(app: ASGIApp, path: str = "/a", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(RequestLoggingMiddleware(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        return await client.get(path, headers=headers)


async def logged(
    capsys: Capture, app: ASGIApp, path: str = "/a", **headers: str
) -> tuple[list[dict[str, Any]], httpx.Response]:
    """Return the lines that a request logs, and its response."""
    logs.configure("sample", "INFO")
    response = await respond(app, path, **headers)
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()], response


async def test_request_is_logged_once_with_its_id_and_trace(
    capsys: Capture,
) -> None:
    parent = f"00-{TRACE}-{'1' * 16}-01"

    (line,), response = await logged(capsys, answer, "/a?token=secret", traceparent=parent)

    assert (line["event"], line["method"], line["path"]) == ("request", "GET", "/a")
    assert (line["status"], line["service"], line["level"]) == (200, "sample", "info")
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert line["trace_id"] == TRACE
    assert line["logger"].endswith("request_logging")


async def test_crash_is_logged_and_answered_without_its_cause(
    capsys: Capture,
) -> None:
    (crashed, request), response = await logged(capsys, crash)

    assert (crashed["event"], crashed["level"]) == ("request.crashed", "error")
    assert "LookupError: a secret" in crashed["exception"]
    assert request["status"] == 500
    assert crashed["request_id"] == request["request_id"] == response.headers["X-Request-ID"]
    assert "secret" not in response.text


async def test_probe_is_not_logged(capsys: Capture) -> None:
    lines, _ = await logged(capsys, answer, "/healthz")

    assert lines == []


async def test_request_id_is_taken_from_a_well_formed_header_only() -> None:
    assert (await respond(answer, **{"X-Request-ID": "mine"})).headers["X-Request-ID"] == "mine"
    for malformed in ("", "a b", "a/b", "x" * 129):
        made = (await respond(answer, **{"X-Request-ID": malformed})).headers["X-Request-ID"]
        assert made != malformed
        assert len(made) == 32


async def test_trace_is_the_callers_or_a_new_one() -> None:
    continued = (await respond(answer, traceparent=f"00-{TRACE}-{'1' * 16}-00")).text.split("-")
    assert continued[1] == TRACE
    assert continued[2] != "1" * 16
    assert continued[3] == "00", "not sampled by the caller"

    first, second = (await respond(answer)).text, (await respond(answer, traceparent="x")).text
    assert first.split("-")[1] not in {TRACE, "0" * 32, second.split("-")[1]}


async def test_response_that_is_sent_again_gets_its_headers_once() -> None:
    response = PlainTextResponse("a", headers={"Cache-Control": "no-cache"})
    app = SecurityHeadersMiddleware(response)

    first, second = await respond(app), await respond(app)

    for sent in (first, second):
        assert sent.headers.get_list("Cache-Control") == ["no-cache"]
        assert len(sent.headers.get_list("X-Frame-Options")) == 1
        assert len(sent.headers.get_list("X-Request-ID")) == 1
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
