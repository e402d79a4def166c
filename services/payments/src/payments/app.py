"""payments: one charge an order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from payments.domain.documents import Checkpoint, Order, Payment, WebhookEvent
from payments.handlers import listeners
from payments.jobs.reconciliation import keep_reconciling
from payments.jobs.settlement import Processor
from payments.routes import router
from payments.settings import PaymentsSettings
from payments.stripe.client import Gateway
from ticketing_common.background import background
from ticketing_common.service import create_service

DOCUMENTS = [Order, Payment, WebhookEvent, Checkpoint]


@asynccontextmanager
async def _with_stripe(app: FastAPI) -> AsyncIterator[None]:
    settings: PaymentsSettings = app.state.settings
    gateway = Gateway(settings.stripe_key.get_secret_value(), settings.stripe_api_base)
    processor = Processor(gateway, settings.currency, settings.grace)
    app.state.processor = processor
    try:
        async with background(processor.keep_settling(), keep_reconciling(gateway)):
            yield
    finally:
        await gateway.close()


def create_app(settings: PaymentsSettings | None = None) -> FastAPI:
    return create_service(
        "payments",
        settings or PaymentsSettings.read("payments"),
        description="Payments: through Stripe, one charge an order.",
        listeners=listeners,
        documents=DOCUMENTS,
        router=router,
        prefix="/api/payments",
        idempotent=True,
        background_work=_with_stripe,
    )
