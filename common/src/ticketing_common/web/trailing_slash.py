"""`/api/tickets/` is `/api/tickets`."""

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashMiddleware:
    """Answers a path with a slash at its end as it would without, instead of with a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # In place: who stands around us reads from the same scope what was found.
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)
