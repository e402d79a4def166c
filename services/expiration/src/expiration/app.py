"""expiration: tells when an order's time is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from expiration.handlers import listening
from expiration.settings import ExpirationSettings
from expiration.timers import Timers
from expiration.worker import Clock
from ticketing_common.background import background
from ticketing_common.service import create_service


def create_app(settings: ExpirationSettings | None = None) -> FastAPI:
    settings = settings or ExpirationSettings.read("expiration")
    timers = Timers(settings.redis_url)

    @asynccontextmanager
    async def ticking(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with background(Clock(timers, app.state.broker).run()):
                yield
        finally:
            await timers.close()

    return create_service(
        "expiration",
        settings,
        listeners=listening(timers),
        description="Tells when an order's time is over.",
        background_work=ticking,
        is_store_ready=timers.answer,
    )
