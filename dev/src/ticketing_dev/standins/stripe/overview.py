"""The page that shows what became of the money, and who was told."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ticketing_dev.standins.stand_in import page
from ticketing_dev.standins.stripe.api import Api
from ticketing_dev.standins.stripe.money import written

SHOWN = 100
KINDS = ("payment_intent", "charge", "refund", "dispute")

router = APIRouter()


@router.get("/", response_model=None)
async def overview(request: Request) -> Response:
    """Payments, charges, refunds, disputes and webhooks, newest first."""
    api: Api = request.app.state.api
    objects: dict[str, Any] = {kind: api.store.newest(kind, limit=SHOWN) for kind in KINDS}
    return page(
        "stripe.html",
        money=written,
        shown=SHOWN,
        endpoint=api.store.deliveries.endpoint,
        deliveries=api.store.deliveries.newest(limit=SHOWN),
        **objects,
    )
