"""What every stand-in has: /healthz, faults on demand, pages, and a way to hang up."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from ticketing_dev.standins.faults import Dropped, Faults, control

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)
NO_SCRIPTS = "script-src 'none'; object-src 'none'; base-uri 'self'"


class StandIn(FastAPI):
    """A stand-in's app; its own routes are added by whoever makes it."""

    def __init__(self, lifespan: Lifespan) -> None:
        super().__init__(openapi_url=None, lifespan=lifespan)
        self.faults = Faults()
        self.include_router(control(self.faults))
        self.add_exception_handler(Dropped, hang_up)
        self.add_api_route("/healthz", alive)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI knows no way to close a connection unanswered, so keep hold of uvicorn's own."""
        if scope["type"] == "http":
            # uvicorn's --root-path is for an ingress that takes the prefix off. An Ingress of
            # Kubernetes has no way to say so, and then it is there twice.
            prefix = scope.get("root_path", "")
            if prefix and scope["path"].startswith(prefix * 2):
                scope["path"] = scope["path"].removeprefix(prefix)
            scope["transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


async def alive() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


async def hang_up(request: Request, _: Exception) -> Response:
    """Close the connection; the response returned here reaches nobody."""
    request.scope["transport"].abort()
    await asyncio.sleep(0)  # lets uvicorn notice
    return Response(status_code=500)


def route_path(request: Request) -> str:
    """The path without the prefix that the stand-in is served under."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as a page that runs no script."""
    html = PAGES.get_template(template).render(**values)
    return HTMLResponse(html, status, headers={"Content-Security-Policy": NO_SCRIPTS})
