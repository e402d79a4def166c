"""Every request is named, timed, traced and logged; every response says what a browser may do."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.observability import telemetry
from ticketing_common.web.error_handlers import crash
from ticketing_common.web.probes import PROBES

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class RequestLoggingMiddleware:
    """Gives a request its id and its trace, and turns a crash into an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _WELL_FORMED_ID.fullmatch(given) else uuid4().hex
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out[REQUEST_ID] = request_id
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
            await send(message)

        began = time.perf_counter()
        with telemetry.span(f"{scope['method']} {scope['path']}", headers):
            structlog.contextvars.bind_contextvars(request_id=request_id)
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                log.exception("request.crashed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                await crash()(scope, receive, send_with_headers)
            seconds = time.perf_counter() - began
            telemetry.REQUESTS.labels(scope["method"], _template(scope), str(status)).observe(
                seconds
            )
            if scope["path"] not in PROBES:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 1),
                )


def _template(scope: Scope) -> str:
    """The path with the names of ids in the place of ids: one of few, whatever strangers ask."""
    route = scope.get("route")
    if route is None:
        return "unknown"
    below: str = route.path  # below the prefix of its router
    path: str = scope["path"]
    return path.rsplit("/", below.count("/"))[0] + below if below else path
