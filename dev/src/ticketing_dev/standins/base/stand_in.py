"""The base application of the stand-ins: health check and fault injection."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from ticketing_dev.standins.base.faults import ConnectionDropped, FaultQueue, control_routes

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class StandIn(FastAPI):
    """A stand-in's application, without the routes of its API."""

    def __init__(self, lifespan: Lifespan) -> None:
        super().__init__(openapi_url=None, lifespan=lifespan)
        self.faults = FaultQueue()
        self.include_router(control_routes(self.faults))
        self.add_exception_handler(ConnectionDropped, drop_connection)
        self.add_api_route("/healthz", healthz)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store uvicorn's transport: ASGI cannot close a connection without a response."""
        if scope["type"] == "http":
            # uvicorn's --root-path is for an ingress that strips the prefix. A Kubernetes Ingress
            # cannot strip it, and then the path has it twice.
            prefix = scope.get("root_path", "")
            if prefix and scope["path"].startswith(prefix * 2):
                scope["path"] = scope["path"].removeprefix(prefix)
            scope["transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


async def healthz() -> dict[str, str]:
    """Return 200 while the process runs."""
    return {"status": "ok"}


async def drop_connection(request: Request, _: Exception) -> Response:
    """Close the connection; the returned response is never sent."""
    request.scope["transport"].abort()
    await asyncio.sleep(0)  # lets uvicorn handle the close
    return Response(status_code=500)


def route_path(request: Request) -> str:
    """Return the path without the prefix that the stand-in is served under."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))
