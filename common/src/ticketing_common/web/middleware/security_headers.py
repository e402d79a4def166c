"""Security headers of every response."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.web.headers import request_header

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
RAW_SECURITY_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
]
_STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")

# client/server/strict-transport-security.mjs has the same rule.
_DOMAIN_NAME = re.compile(r"([\w-]+\.)+(?!localhost\b)[a-z][a-z0-9-]*\.?(:\d+)?", re.IGNORECASE)


class SecurityHeadersMiddleware:
    """Add the security headers that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                names = {name for name, _ in own}
                # A new list: the response may keep its own one and be sent again.
                message["headers"] = own + [
                    header for header in RAW_SECURITY_HEADERS if header[0] not in names
                ]
                if _is_https_of_a_domain(scope):
                    message["headers"].append(_STRICT_TRANSPORT_SECURITY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_https_of_a_domain(scope: Scope) -> bool:
    """Return whether browsers may be limited to HTTPS.

    For localhost, they would use HTTPS for the programs of all ports. For addresses, they
    ignore it.
    """
    protocols = request_header(scope, b"x-forwarded-proto") or scope["scheme"]
    is_https: bool = protocols.split(",", 1)[0].strip().lower() == "https"
    return is_https and _DOMAIN_NAME.fullmatch(request_header(scope, b"host") or "") is not None
