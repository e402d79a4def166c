"""expiration: publishes the end of the time to pay for an order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from expiration.handlers import create_listeners
from expiration.settings import ExpirationSettings
from expiration.timers import Timers
from expiration.worker import ExpirationWorker
from ticketing_common.background import background
from ticketing_common.service import create_service


def create_app(settings: ExpirationSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or ExpirationSettings.read("expiration")
    timers = Timers(settings.redis_url)

    @asynccontextmanager
    async def background_work(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with background(ExpirationWorker(timers, app.state.broker).run()):
                yield
        finally:
            await timers.close()

    return create_service(
        "expiration",
        settings,
        listeners=create_listeners(timers),
        description="Publishes the end of the time to pay for an order.",
        background_work=background_work,
        is_store_ready=timers.is_available,
    )
