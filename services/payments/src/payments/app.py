"""The application of payments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from payments.domain.documents import Order, Payment
from payments.handlers import listeners
from payments.jobs import reconciliation
from payments.jobs.settlement import Settlement
from payments.order_arrivals import OrderArrivals
from payments.routes import router
from payments.settings import PaymentsSettings
from payments.stripe.client import StripeClient
from payments.stripe.webhooks import WebhookEvent
from ticketing_common.background import background
from ticketing_common.service import create_service
from ticketing_common.shutdown import on_shutdown_signal

DOCUMENTS = [Order, Payment, WebhookEvent, reconciliation.Checkpoint]


@asynccontextmanager
async def _background_work(app: FastAPI) -> AsyncIterator[None]:
    """Run the jobs, and provide those of requests to the routes."""
    settings: PaymentsSettings = app.state.settings
    async with StripeClient.connected(settings) as stripe:
        settlement = Settlement(
            stripe, settings.currency, settings.grace, settings.limit_attempts_by_order
        )
        app.state.settlement = settlement
        app.state.order_arrivals = arrivals = OrderArrivals()
        jobs = (settlement.run(), reconciliation.run(stripe), arrivals.run())
        with on_shutdown_signal(arrivals.close):
            async with background(*jobs):
                yield


def create_app(settings: PaymentsSettings | None = None) -> FastAPI:
    """Create the application. The settings are read from the environment by default."""
    return create_service(
        "payments",
        settings or PaymentsSettings.read("payments"),
        description="Payments of orders through Stripe: at most one charge per order.",
        listeners=listeners,
        documents=DOCUMENTS,
        prices={"orders": "price"},
        router=router,
        prefix="/api/payments",
        # Stripe signs its events, and sends them as fast as they happen.
        address_limits={"POST /api/payments/webhook": None},
        idempotent=True,
        background_work=_background_work,
    )
