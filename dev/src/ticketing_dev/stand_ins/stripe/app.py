"""The app: which path is which rule, and the page that shows what became of the money."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from ticketing_dev.stand_ins.data import data_folder
from ticketing_dev.stand_ins.stand_in import StandIn, page, route_path
from ticketing_dev.stand_ins.stripe import (
    attempts,
    charges,
    events,
    payment_intents,
    payment_methods,
    refunds,
    webhook_control,
)
from ticketing_dev.stand_ins.stripe.api import API_VERSION, Api
from ticketing_dev.stand_ins.stripe.call import Call, Rule
from ticketing_dev.stand_ins.stripe.errors import Json, StripeError, invalid
from ticketing_dev.stand_ins.stripe.money import written as money
from ticketing_dev.stand_ins.stripe.params import Params
from ticketing_dev.stand_ins.stripe.store import open_store
from ticketing_dev.stand_ins.stripe.webhooks import FIRST_PAUSE, Sender, configured
from ticketing_dev.stand_ins.stripe.wire import written

ROUTES: tuple[tuple[str, str, Rule], ...] = (
    ("POST", "/v1/payment_intents", payment_intents.create),
    ("GET", "/v1/payment_intents", payment_intents.list_newest),
    ("GET", "/v1/payment_intents/{intent}", payment_intents.retrieve),
    ("POST", "/v1/payment_intents/{intent}/confirm", payment_intents.confirm),
    ("POST", "/v1/payment_intents/{intent}/cancel", payment_intents.cancel),
    ("POST", "/v1/payment_methods", payment_methods.create),
    ("GET", "/v1/payment_methods/{payment_method}", payment_methods.retrieve),
    ("GET", "/v1/charges", charges.list_newest),
    ("GET", "/v1/charges/{charge}", charges.retrieve),
    ("POST", "/v1/refunds", refunds.create),
    ("GET", "/v1/refunds", refunds.list_newest),
    ("GET", "/v1/refunds/{refund}", refunds.retrieve),
    ("GET", "/v1/events", events.list_newest),
    ("GET", "/v1/events/{id}", events.retrieve),
)
SHOWN = 100


def create_app(folder: Path | None = None, first_pause: float = FIRST_PAUSE) -> StandIn:
    """The Stripe stand-in, with its state in `folder`, else where STAND_IN_DATA says.

    STRIPE_WEBHOOK_URL and STRIPE_WEBHOOK_SECRET name whom it tells; the first repetition of a
    webhook follows after `first_pause` seconds.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with data_folder(folder) as data, open_store(data) as store:
            app.state.api = Api(store, stand_in.faults)
            store.deliveries.endpoint = configured()
            async with Sender(store, first_pause).at_work() as app.state.sender:
                yield

    stand_in = StandIn(lifespan)
    for method, path, rule in ROUTES:
        stand_in.add_api_route(path, answering(rule), methods=[method], response_model=None)
    stand_in.add_api_route(
        "/_control/payment_intents/{intent}", finish, methods=["POST"], response_model=None
    )
    stand_in.add_api_route("/finish/{intent}", finish_here, methods=["POST"], response_model=None)
    stand_in.add_api_route("/", overview, response_model=None)
    stand_in.include_router(webhook_control.router)
    stand_in.add_exception_handler(HTTPException, not_a_route)
    return stand_in


def answering(rule: Rule) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        api: Api = request.app.state.api
        return await api.answer(request, rule)

    return answer


async def not_a_route(request: Request, error: Exception) -> Response:
    """A path or a method that is not there, in Stripe's words."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    refusal = invalid(
        f"Unrecognized request URL ({request.method}: {route_path(request)}). Please see "
        "https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    return Response(written({"error": refusal.error}), status, media_type="application/json")


async def finish(request: Request, intent: str, outcome: Annotated[str, Form()]) -> Response:
    """Play the buyer or the bank: `outcome` is `succeed` or `fail`. Answers the PaymentIntent."""
    try:
        return Response(written(finished(request, intent, outcome)), media_type="application/json")
    except StripeError as error:
        return Response(
            written({"error": error.error}), error.status, media_type="application/json"
        )


async def finish_here(request: Request, intent: str, outcome: Annotated[str, Form()]) -> Response:
    """The same, for the buttons of the page."""
    try:
        finished(request, intent, outcome)
    except StripeError as error:
        return Response(str(error), error.status, media_type="text/plain")
    return RedirectResponse("../", 303)


def finished(request: Request, intent: str, outcome: str) -> Json:
    api: Api = request.app.state.api
    call = Call(
        store=api.store,
        params=Params({"outcome": outcome}),
        api_version=API_VERSION,
        request_id=None,
        path={"intent": intent},
    )
    with api.store.transaction():
        return attempts.finish(call)


async def overview(request: Request) -> Response:
    """The page: payment intents, charges and refunds, newest first."""
    api: Api = request.app.state.api
    kinds = ("payment_intent", "charge", "refund")
    newest = {kind: api.store.newest(kind, limit=SHOWN) for kind in kinds}
    return page("stripe.html", money=money, shown=SHOWN, **newest)


app = create_app()
