"""CSRF protection: state-changing requests must come from the same origin."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ticketing_common.errors import CrossOrigin
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.headers import request_header

MUTATING_METHODS = {"POST", "PUT", "PATCH", "DELETE"}
DEFAULT_PORTS = {"http": 80, "https": 443}


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
    # A page of another subdomain is on the same site, but of another origin.
    if request_header(scope, b"sec-fetch-site") not in (None, "same-origin", "none"):
        return True
    origin = request_header(scope, b"origin")
    if origin is None:
        return False
    try:
        scheme, netloc, *rest = urlsplit(origin)
        if scheme not in DEFAULT_PORTS or not netloc or any(rest):
            return True
        host = request_header(scope, b"host") or ""
        return _address(netloc, scheme) != _address(host, scheme)
    except ValueError:  # an invalid URL such as http://[
        return True


def _address(netloc: str, scheme: str) -> tuple[str | None, int, str | None]:
    """Return host, port and user name as a browser compares them."""
    parts = urlsplit(f"//{netloc}")
    return parts.hostname, parts.port or DEFAULT_PORTS[scheme], parts.username
