"""The parts of the buyer, the bank and time, played on demand: by tests, or by the page's buttons.

`POST /_control/<kind>/<id>` with the form field `outcome` answers the object as it is afterwards:

payment_intents   succeed | fail   one that requires action, or is processing
refunds           succeed | fail   without an outcome: what its test card does in time
disputes          won | lost       as the seller sees it
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from ticketing_dev.standins.stripe import attempts, disputes, refunds
from ticketing_dev.standins.stripe.api import API_VERSION, Api
from ticketing_dev.standins.stripe.call import Call, Rule
from ticketing_dev.standins.stripe.errors import Json, StripeError
from ticketing_dev.standins.stripe.params import Params, Values
from ticketing_dev.standins.stripe.webhooks import Sender
from ticketing_dev.standins.stripe.wire import written

# By the name in the path: how the rule calls the id, and the rule.
PLAYED: dict[str, tuple[str, Rule]] = {
    "payment_intents": ("intent", attempts.finish),
    "refunds": ("refund", refunds.settle),
    "disputes": ("dispute", disputes.close),
}

Played = Callable[[Request, str, str | None], Awaitable[Response]]
router = APIRouter()


class Age(BaseModel):
    """How much older something gets."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(gt=0)


def play(request: Request, kind: str, name: str, outcome: str | None) -> Json:
    """Have it happen. Raises StripeError where it cannot."""
    api: Api = request.app.state.api
    placeholder, rule = PLAYED[kind]
    values: Values = {"outcome": outcome} if outcome else {}
    call = Call(api.store, Params(values), API_VERSION, request_id=None, path={placeholder: name})
    with api.store.transaction():
        return rule(call)


def by_program(kind: str) -> Played:
    async def answer(
        request: Request, name: str, outcome: Annotated[str | None, Form()] = None
    ) -> Response:
        try:
            status, body = 200, play(request, kind, name, outcome)
        except StripeError as error:
            status, body = error.status, {"error": error.error}
        return Response(written(body), status, media_type="application/json")

    return answer


def by_button(kind: str) -> Played:
    async def answer(
        request: Request, name: str, outcome: Annotated[str | None, Form()] = None
    ) -> Response:
        try:
            play(request, kind, name, outcome)
        except StripeError as error:
            return Response(str(error), error.status, media_type="text/plain")
        return RedirectResponse(f"../../#{kind}", 303)

    return answer


for kind in PLAYED:
    router.add_api_route(
        f"/_control/{kind}/{{name}}", by_program(kind), methods=["POST"], response_model=None
    )
    router.add_api_route(
        f"/play/{kind}/{{name}}", by_button(kind), methods=["POST"], response_model=None
    )


@router.post("/play/events/{event}")
async def publish_replay(request: Request, event: str) -> RedirectResponse:
    """Deliver an event once more."""
    sender: Sender = request.app.state.sender
    try:
        await sender.send(event)
    except LookupError:
        raise HTTPException(404, f"No such event: {event}") from None
    return RedirectResponse("../../#webhooks", 303)


@router.post("/_control/idempotency_keys/age", status_code=204)
async def age_keys(request: Request, age: Age) -> None:
    """Make all idempotency keys older: Stripe forgets them after a day."""
    api: Api = request.app.state.api
    with api.store.transaction():
        api.store.age_answers(age.hours * 3600)
