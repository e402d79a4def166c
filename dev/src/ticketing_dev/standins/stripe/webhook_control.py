"""Bad days of webhooks on demand: `/_control/webhooks`, for tests and for the page's buttons."""

from fastapi import APIRouter, HTTPException, Request

from ticketing_dev.standins.stripe.deliveries import Delivery, Endpoint, State, Treatment
from ticketing_dev.standins.stripe.store import Store
from ticketing_dev.standins.stripe.webhooks import Sender, configured

router = APIRouter(prefix="/_control/webhooks")


def sender(request: Request) -> Sender:
    found: Sender = request.app.state.sender
    return found


def store(request: Request) -> Store:
    return sender(request).store


@router.get("")
async def treatment(request: Request) -> Treatment:
    """How deliveries are treated now."""
    return store(request).deliveries.treatment


@router.put("")
async def treat(request: Request, wanted: Treatment) -> Treatment:
    """Treat deliveries so from now on; what is left out goes well again.

    `{"hold": true}` keeps back, `{"reverse": true}` lets go what was held, newest first,
    `{"copies": 2}` doubles and `{"copies": 0}` drops what happens from now on.
    """
    store(request).deliveries.treatment = wanted
    sender(request).wake.set()
    return wanted


@router.delete("", status_code=204)
async def reset(request: Request) -> None:
    """Treat all well, tell whom the environment names, and drop what was not delivered yet."""
    deliveries = store(request).deliveries
    deliveries.treatment = Treatment()
    deliveries.endpoint = configured()
    with store(request).transaction():
        deliveries.forget_waiting()


@router.put("/endpoint")
async def tell(request: Request, endpoint: Endpoint) -> Endpoint:
    """Deliver to this endpoint from now on, until a reset or a restart."""
    store(request).deliveries.endpoint = endpoint
    sender(request).wake.set()
    return endpoint


@router.get("/deliveries")
async def deliveries(
    request: Request, event: str | None = None, state: State | None = None, limit: int = 100
) -> list[Delivery]:
    """Deliveries, newest first."""
    return store(request).deliveries.newest(limit=limit, event=event, state=state)


@router.post("/deliveries/{event}")
async def send(request: Request, event: str) -> Delivery:
    """Deliver an event once more, even while others are held; answers when the endpoint has."""
    if store(request).deliveries.endpoint is None:
        raise HTTPException(400, "There is no endpoint to tell")
    try:
        return await sender(request).send(event)
    except LookupError:
        raise HTTPException(404, f"No such event: {event}") from None
