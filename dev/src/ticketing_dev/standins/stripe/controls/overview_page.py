"""The page that lists payments, charges, refunds, disputes and webhook deliveries."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ticketing_dev.standins.stripe.api.handler import ApiHandler
from ticketing_dev.standins.stripe.pages import PAGES
from ticketing_dev.standins.stripe.resources.money import format_amount

MAX_ROWS = 100
KINDS = ("payment_intent", "charge", "refund", "dispute")

router = APIRouter()


@router.get("/", response_model=None)
async def overview(request: Request) -> Response:
    """Serve the page, newest rows first."""
    api: ApiHandler = request.app.state.api
    objects: dict[str, Any] = {f"{kind}s": api.store.newest(kind, limit=MAX_ROWS) for kind in KINDS}
    return PAGES.render(
        "overview.html",
        format_amount=format_amount,
        max_rows=MAX_ROWS,
        endpoint=api.store.deliveries.endpoint,
        deliveries=api.store.deliveries.newest(limit=MAX_ROWS),
        **objects,
    )
