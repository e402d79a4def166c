"""Request context: request id, trace, metrics and one log line per request."""

import re
import time
from functools import cache
from secrets import token_hex

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.observability import metrics, tracing
from ticketing_common.web.error_handlers import crash_response
from ticketing_common.web.headers import request_header
from ticketing_common.web.probes import PROBE_PATHS

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = b"x-request-id"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestLoggingMiddleware:
    """Give each request an id and a trace, log and measure it, and turn a crash into a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        request_id = _request_id(scope)
        status = 0

        async def send_with_request_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (REQUEST_ID_HEADER, request_id.encode()),
                ]
            await send(message)

        started = time.perf_counter()
        with tracing.span(f"{method} {path}", _trace_carrier(scope)):
            structlog.contextvars.bind_contextvars(request_id=request_id)
            try:
                await self._app(scope, receive, send_with_request_id)
            except Exception:
                log.exception("request.crashed", method=method, path=path)
                if status:
                    raise
                await crash_response()(scope, receive, send_with_request_id)
            seconds = time.perf_counter() - started
            _durations(method, _route_path(scope), status).observe(seconds)
            if path not in PROBE_PATHS:
                log.info(
                    "request",
                    method=method,
                    path=path,
                    status=status,
                    ms=round(seconds * 1000, 1),
                )


def _request_id(scope: Scope) -> str:
    sent = request_header(scope, REQUEST_ID_HEADER)
    return sent if sent is not None and _VALID_REQUEST_ID.fullmatch(sent) else token_hex(16)


@cache
def _durations(method: str, route: str, status: int) -> Histogram:
    return metrics.REQUESTS.labels(method, route, str(status))


def _trace_carrier(scope: Scope) -> dict[str, str]:
    """Return the headers that continue the caller's trace."""
    parent = request_header(scope, b"traceparent")
    if parent is None:
        return {}
    state = request_header(scope, b"tracestate")
    return {"traceparent": parent} | ({} if state is None else {"tracestate": state})


def _route_path(scope: Scope) -> str:
    """Return the path with parameter names instead of ids, so that it has few values."""
    route = scope.get("route")
    if route is None:
        return "unknown"
    below_prefix: str = route.path
    path: str = scope["path"]
    if not below_prefix:
        return path
    return path.rsplit("/", below_prefix.count("/"))[0] + below_prefix
