"""Trailing slashes: `/api/tickets/` is served as `/api/tickets`."""

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashMiddleware:
    """Remove the trailing slash of the path, instead of a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Changed in place: the outer middleware reads the route from the same scope.
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)
