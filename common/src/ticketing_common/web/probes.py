"""What Kubernetes and Prometheus ask, inside the cluster only."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ticketing_common.errors import Unavailable

PROBES = {"/healthz", "/readyz", "/metrics"}


def probes(answers: Callable[[], Awaitable[bool]]) -> APIRouter:
    """The three routes; `answers` says whether the service's own store does."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def lives() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def can_serve() -> dict[str, str]:
        if not await answers():
            raise Unavailable("The store does not answer")
        return {"status": "ok"}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
