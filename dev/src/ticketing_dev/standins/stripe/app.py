"""The app: which path is which rule."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from ticketing_dev.standins.data import data_folder
from ticketing_dev.standins.stand_in import StandIn, route_path
from ticketing_dev.standins.stripe import (
    authenticate,
    charges,
    control,
    disputes,
    events,
    overview,
    payment_intents,
    payment_methods,
    refunds,
    webhook_control,
)
from ticketing_dev.standins.stripe.api import Api
from ticketing_dev.standins.stripe.call import Rule
from ticketing_dev.standins.stripe.errors import invalid
from ticketing_dev.standins.stripe.store import open_store
from ticketing_dev.standins.stripe.webhooks import FIRST_PAUSE, Sender, configured
from ticketing_dev.standins.stripe.wire import written

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
    ("GET", "/v1/disputes", disputes.list_newest),
    ("GET", "/v1/disputes/{dispute}", disputes.retrieve),
    ("GET", "/v1/events", events.list_newest),
    ("GET", "/v1/events/{id}", events.retrieve),
)


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
    for part in (overview, authenticate, control, webhook_control):
        stand_in.include_router(part.router)
    stand_in.add_exception_handler(HTTPException, not_a_route)
    return stand_in


def answering(rule: Rule) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        api: Api = request.app.state.api
        return await api.answer(request, rule)

    return answer


async def not_a_route(request: Request, error: Exception) -> Response:
    """A path or a method that is not there, in Stripe's words; our own pages have their own."""
    assert isinstance(error, HTTPException)
    if not route_path(request).startswith("/v1/"):
        return await http_exception_handler(request, error)
    refusal = invalid(
        f"Unrecognized request URL ({request.method}: {route_path(request)}). Please see "
        "https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    return Response(
        written({"error": refusal.error}), error.status_code, media_type="application/json"
    )


app = create_app()
