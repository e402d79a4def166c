"""Probes for Kubernetes and Prometheus, not reachable through the ingress."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ticketing_common.errors import Unavailable

PROBE_PATHS = {"/healthz", "/readyz", "/metrics"}


def probes(is_ready: Callable[[], Awaitable[bool]]) -> APIRouter:
    """Return the routes `/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def liveness() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readiness() -> dict[str, str]:
        if not await is_ready():
            raise Unavailable("The service is not ready")
        return {"status": "ok"}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
