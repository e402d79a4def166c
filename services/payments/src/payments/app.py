"""payments: one charge an order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from payments.gateway import Gateway
from payments.listeners import listeners
from payments.models import Order, Payment
from payments.routes import router
from payments.rules import settle_left_behind
from payments.settings import PaymentsSettings
from ticketing_common.background import background
from ticketing_common.service import create_service


@asynccontextmanager
async def _settling(app: FastAPI) -> AsyncIterator[None]:
    gateway: Gateway = app.state.gateway
    try:
        async with background(settle_left_behind(gateway)):
            yield
    finally:
        await gateway.close()


def create_app(settings: PaymentsSettings | None = None) -> FastAPI:
    settings = settings or PaymentsSettings.read("payments")
    app = create_service(
        settings,
        listeners,
        description="Payments: through Stripe, one charge an order.",
        documents=[Order, Payment],
        router=router,
        prefix="/api/payments",
        idempotent=True,
        while_open=_settling,
    )
    app.state.gateway = Gateway(settings.stripe_key.get_secret_value(), settings.stripe_api_base)
    return app
