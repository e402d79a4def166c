"""Request context: request id, trace, metrics and one log line per request."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.observability import metrics, tracing
from ticketing_common.web.error_handlers import crash_response
from ticketing_common.web.probes import PROBE_PATHS

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestLoggingMiddleware:
    """Give each request an id and a trace, log and measure it, and turn a crash into a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent_id = headers.get(REQUEST_ID_HEADER, "")
        request_id = sent_id if _VALID_REQUEST_ID.fullmatch(sent_id) else uuid4().hex
        status = 0

        async def send_with_request_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        started = time.perf_counter()
        with tracing.span(f"{scope['method']} {scope['path']}", headers):
            structlog.contextvars.bind_contextvars(request_id=request_id)
            try:
                await self._app(scope, receive, send_with_request_id)
            except Exception:
                log.exception("request.crashed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                await crash_response()(scope, receive, send_with_request_id)
            seconds = time.perf_counter() - started
            metrics.REQUESTS.labels(scope["method"], _route_path(scope), str(status)).observe(
                seconds
            )
            if scope["path"] not in PROBE_PATHS:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 1),
                )


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
