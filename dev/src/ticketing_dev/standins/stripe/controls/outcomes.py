"""Set the outcomes that a buyer, a bank or time decides, from tests or the page's buttons.

`POST /_control/<kind>/<id>` with the form field `outcome` returns the changed object:

payment_intents   succeed | fail   one that requires action or is processing
refunds           succeed | fail   by default the final status of its test card
disputes          won | lost       from the seller's side
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from ticketing_dev.standins.stripe.api.call import Call, Operation
from ticketing_dev.standins.stripe.api.errors import Json, StripeError
from ticketing_dev.standins.stripe.api.handler import API_VERSION, ApiHandler
from ticketing_dev.standins.stripe.api.params import Params, Values
from ticketing_dev.standins.stripe.api.serialization import to_json
from ticketing_dev.standins.stripe.resources import confirmation, disputes, refunds
from ticketing_dev.standins.stripe.webhooks.sender import WebhookSender

# By the kind in the path: the name of the operation's path parameter, and the operation.
OPERATIONS: dict[str, tuple[str, Operation]] = {
    "payment_intents": ("intent", confirmation.finish),
    "refunds": ("refund", refunds.settle),
    "disputes": ("dispute", disputes.close),
}

RouteFunction = Callable[[Request, str, str | None], Awaitable[Response]]
router = APIRouter()


class Aging(BaseModel):
    """The hours to add to the age of idempotency keys."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(gt=0)


def set_outcome(request: Request, kind: str, object_id: str, outcome: str | None) -> Json:
    """Set the outcome of an object and return it. Raises StripeError."""
    api: ApiHandler = request.app.state.api
    placeholder, operation = OPERATIONS[kind]
    values: Values = {"outcome": outcome} if outcome else {}
    path = {placeholder: object_id}
    call = Call(api.store, Params(values), API_VERSION, request_id=None, path=path)
    with api.store.transaction():
        return operation(call)


def control_route(kind: str) -> RouteFunction:
    """Return the route function of the control API."""

    async def handle(
        request: Request, object_id: str, outcome: Annotated[str | None, Form()] = None
    ) -> Response:
        try:
            status, body = 200, set_outcome(request, kind, object_id, outcome)
        except StripeError as error:
            status, body = error.status, {"error": error.error}
        return Response(to_json(body), status, media_type="application/json")

    return handle


def button_route(kind: str) -> RouteFunction:
    """Return the route function of a button on the page."""

    async def handle(
        request: Request, object_id: str, outcome: Annotated[str | None, Form()] = None
    ) -> Response:
        try:
            set_outcome(request, kind, object_id, outcome)
        except StripeError as error:
            return Response(str(error), error.status, media_type="text/plain")
        return RedirectResponse(f"../../#{kind}", 303)

    return handle


for kind in OPERATIONS:
    router.add_api_route(
        f"/_control/{kind}/{{object_id}}",
        control_route(kind),
        methods=["POST"],
        response_model=None,
    )
    router.add_api_route(
        f"/outcomes/{kind}/{{object_id}}",
        button_route(kind),
        methods=["POST"],
        response_model=None,
    )


@router.post("/outcomes/events/{event}")
async def send_event(request: Request, event: str) -> RedirectResponse:
    """Send an event once more."""
    sender: WebhookSender = request.app.state.sender
    try:
        await sender.send_now(event)
    except LookupError:
        raise HTTPException(404, f"No such event: {event}") from None
    return RedirectResponse("../../#webhooks", 303)


@router.post("/_control/idempotency_keys/age", status_code=204)
async def age_keys(request: Request, aging: Aging) -> None:
    """Make all idempotency keys older; they expire after a day."""
    api: ApiHandler = request.app.state.api
    with api.store.transaction():
        api.store.age_idempotency_keys(aging.hours * 3600)
