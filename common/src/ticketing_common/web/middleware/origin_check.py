"""CSRF protection: state-changing requests must come from the same origin."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ticketing_common.errors import CrossOrigin
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.headers import request_header

MUTATING_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


class OriginCheckMiddleware:
    """Refuse state-changing requests from pages of another origin with a 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_mutating = scope["type"] == "http" and scope["method"] in MUTATING_METHODS
        if is_mutating and _is_cross_origin(scope):
            await error_response(CrossOrigin())(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_cross_origin(scope: Scope) -> bool:
    """Compare `Origin` with `Host`. Clients other than browsers send no `Origin`."""
    if request_header(scope, b"sec-fetch-site") == "cross-site":
        return True
    origin = request_header(scope, b"origin")
    try:
        return origin is not None and urlsplit(origin).netloc != request_header(scope, b"host")
    except ValueError:  # an invalid URL such as http://[
        return True
