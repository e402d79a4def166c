"""Fault injection for webhooks: the control API `/_control/webhooks`."""

from fastapi import APIRouter, HTTPException, Request

from ticketing_dev.standins.stripe.store import Store
from ticketing_dev.standins.stripe.webhooks.deliveries import (
    Delivery,
    DeliveryFaults,
    Endpoint,
    State,
)
from ticketing_dev.standins.stripe.webhooks.sender import WebhookSender, configured_endpoint

router = APIRouter(prefix="/_control/webhooks")


def sender_of(request: Request) -> WebhookSender:
    """Return the sender of the application."""
    sender: WebhookSender = request.app.state.sender
    return sender


def store_of(request: Request) -> Store:
    """Return the store of the application."""
    return sender_of(request).store


@router.get("")
async def get_faults(request: Request) -> DeliveryFaults:
    """Return the current faults."""
    return store_of(request).deliveries.faults


@router.put("")
async def set_faults(request: Request, faults: DeliveryFaults) -> DeliveryFaults:
    """Replace the faults; omitted fields get their default.

    `{"hold": true}` holds deliveries back, `{"reverse": true}` sends the held ones newest first,
    `{"copies": 2}` duplicates and `{"copies": 0}` drops new events.
    """
    store_of(request).deliveries.faults = faults
    sender_of(request).wake.set()
    return faults


@router.delete("", status_code=204)
async def reset(request: Request) -> None:
    """Remove all faults, restore the configured endpoint and drop pending deliveries."""
    deliveries = store_of(request).deliveries
    deliveries.faults = DeliveryFaults()
    deliveries.endpoint = configured_endpoint()
    with store_of(request).transaction():
        deliveries.drop_pending()


@router.put("/endpoint")
async def set_endpoint(request: Request, endpoint: Endpoint) -> Endpoint:
    """Deliver to this endpoint until a reset or a restart."""
    store_of(request).deliveries.endpoint = endpoint
    sender_of(request).wake.set()
    return endpoint


@router.get("/deliveries")
async def list_deliveries(
    request: Request, event: str | None = None, state: State | None = None, limit: int = 100
) -> list[Delivery]:
    """Return deliveries, newest first."""
    return store_of(request).deliveries.newest(limit=limit, event=event, state=state)


@router.post("/deliveries/{event}")
async def send(request: Request, event: str) -> Delivery:
    """Send an event once more, also while others are held, and return its delivery."""
    if store_of(request).deliveries.endpoint is None:
        raise HTTPException(400, "No webhook endpoint is configured")
    try:
        return await sender_of(request).send_now(event)
    except LookupError:
        raise HTTPException(404, f"No such event: {event}") from None
