"""The application: the routes of the API, its control API and its pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from ticketing_dev.standins.base.data import data_folder
from ticketing_dev.standins.base.stand_in import StandIn, route_path
from ticketing_dev.standins.stripe.api.call import Operation
from ticketing_dev.standins.stripe.api.errors import invalid_request
from ticketing_dev.standins.stripe.api.handler import ApiHandler
from ticketing_dev.standins.stripe.api.serialization import to_json
from ticketing_dev.standins.stripe.controls import authentication_page, outcomes, overview_page
from ticketing_dev.standins.stripe.controls import webhooks as webhook_control
from ticketing_dev.standins.stripe.resources import (
    charges,
    disputes,
    events,
    payment_intents,
    payment_methods,
    refunds,
)
from ticketing_dev.standins.stripe.store import open_store
from ticketing_dev.standins.stripe.webhooks.sender import (
    FIRST_RETRY_SECONDS,
    WebhookSender,
    configured_endpoint,
)

ROUTES: tuple[tuple[str, str, Operation], ...] = (
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


def create_app(
    folder: Path | None = None, first_retry_seconds: float = FIRST_RETRY_SECONDS
) -> StandIn:
    """Create the Stripe stand-in with its data in `folder`, else in STAND_IN_DATA.

    STRIPE_WEBHOOK_URL and STRIPE_WEBHOOK_SECRET configure the webhook endpoint. The first retry of
    a webhook follows after `first_retry_seconds`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with data_folder(folder) as data, open_store(data) as store:
            app.state.api = ApiHandler(store, stand_in.faults)
            store.deliveries.endpoint = configured_endpoint()
            async with WebhookSender(store, first_retry_seconds).running() as app.state.sender:
                yield

    stand_in = StandIn(lifespan)
    for method, path, operation in ROUTES:
        stand_in.add_api_route(path, route(operation), methods=[method], response_model=None)
    for module in (overview_page, authentication_page, outcomes, webhook_control):
        stand_in.include_router(module.router)
    stand_in.add_exception_handler(HTTPException, http_error_response)
    return stand_in


def route(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    """Return the route function of an API operation."""

    async def handle(request: Request) -> Response:
        api: ApiHandler = request.app.state.api
        return await api.handle(request, operation)

    return handle


async def http_error_response(request: Request, error: Exception) -> Response:
    """Return a 404 or 405 of the API in Stripe's shape, and other errors in FastAPI's."""
    assert isinstance(error, HTTPException)
    if not route_path(request).startswith("/v1/"):
        return await http_exception_handler(request, error)
    stripe_error = invalid_request(
        f"Unrecognized request URL ({request.method}: {route_path(request)}). Please see "
        "https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    return Response(
        to_json({"error": stripe_error.error}), error.status_code, media_type="application/json"
    )


app = create_app()
