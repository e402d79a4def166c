"""The routes of payments."""

import functools
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from payments import schemas
from payments.domain.documents import MAX_PAYMENTS, FailureCause, Order, Payment
from payments.domain.state_machine import Intent
from payments.errors import (
    ChargeRefunded,
    InvalidSignature,
    InvalidToken,
    OrderAlreadyCancelled,
    OrderAlreadyPaid,
    OrderExpired,
    PaymentDeclined,
    PaymentInProgress,
    PaymentRefused,
    PaymentUnknown,
    TooManyAttempts,
)
from payments.jobs.settlement import Settlement
from payments.order_arrivals import OrderArrivals
from payments.settings import PaymentsSettings
from payments.stripe import webhooks
from payments.stripe.client import StripeUnavailable
from ticketing_common.circuit_breaker import CircuitOpen
from ticketing_common.errors import NotFound, NotOwner
from ticketing_common.events import PaymentStatus
from ticketing_common.limits.requests import Limits
from ticketing_common.web.conditional import JsonBody, json_response
from ticketing_common.web.idempotency import HEADER
from ticketing_common.web.middleware.concurrency_limit import uncounted
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.rendering import render_rows
from ticketing_common.web.sessions import CurrentUser

router = APIRouter(tags=["payments"])

DECLINES = "declines_by_account"


def _settlement(request: Request) -> Settlement:
    settlement: Settlement = request.app.state.settlement
    return settlement


SettlementDep = Annotated[Settlement, Depends(_settlement)]
RequestKey = Annotated[str | None, Header(alias=HEADER, include_in_schema=False)]


@router.post(
    "",
    status_code=201,
    responses={
        202: {"model": schemas.ConfirmPaymentResponse, "description": "The buyer must confirm"},
        **error_responses(
            NotFound,
            NotOwner,
            OrderAlreadyCancelled,
            OrderAlreadyPaid,
            OrderExpired,
            InvalidToken,
            PaymentRefused,
            ChargeRefunded,
            PaymentDeclined,
            PaymentInProgress,
            PaymentUnknown,
            TooManyAttempts,
            CircuitOpen,
        ),
    },
)
async def create_payment(
    request: Request,
    payload: schemas.CreatePaymentRequest,
    user: CurrentUser,
    settlement: SettlementDep,
    response: Response,
    limits: Limits,
    request_key: RequestKey = None,
) -> schemas.CreatePaymentResponse | schemas.ConfirmPaymentResponse:
    """Pay for an order of the caller. One charge is made, however many requests arrive at once.

    - An order that was placed just now can be unknown here for a moment. The request waits for it,
      for at most two seconds, then 404. With more than three requests of the caller waiting, or
      very many of all, 404 at once.
    - 202: the bank asks the buyer to confirm. Pass the `clientSecret` to Stripe's script. To pay
      with another card instead, send it: the payment that awaits confirmation is cancelled.
    - 402: the card was declined, with a message for the buyer. The order can still be paid.
    - 503 with `payment_unknown`: whether there is a charge is not known yet. The service finds it
      out and updates the order.
    - 429: a fifth attempt to pay the order has failed, or ten cards of the caller were declined
      within an hour.
    """
    await limits.check(DECLINES, user.id)
    pay = functools.partial(settlement.pay, user, payload.order_id, payload.token, request_key)
    try:
        try:
            payment, intent = await pay()
        except NotFound:
            await _wait_for_order(request, payload.order_id, user.id)
            payment, intent = await pay()
    except StripeUnavailable:
        raise PaymentUnknown from None
    if payment.status == PaymentStatus.NEEDS_CONFIRMATION and intent is not None:
        response.status_code = 202
        return schemas.ConfirmPaymentResponse(
            id=str(payment.id), order_id=payment.order_id, client_secret=intent.client_secret or ""
        )
    if payment.failure_cause in (FailureCause.DECLINED, FailureCause.INVALID_TOKEN):
        await limits.count(DECLINES, user.id)
    _require_success(payment)
    return schemas.CreatePaymentResponse.of(payment)


@router.get(
    "",
    response_model=list[schemas.PaymentResponse],
    responses=error_responses(NotFound, NotOwner),
)
async def list_payments(
    order_id: schemas.OrderIdParam, user: CurrentUser, request: Request
) -> Response:
    """Return all attempts to pay an order of the caller, the newest first."""
    order = await Order.owned_by(user.id, order_id)
    found = Payment.get_pymongo_collection().find({"order_id": str(order.id)})
    rows = await found.sort("attempt", -1).limit(MAX_PAYMENTS).to_list()
    return json_response(request, JsonBody.of(render_rows("payment", rows, _render_payment)))


def _render_payment(row: dict[str, Any]) -> str:
    return _to_json(schemas.PaymentResponse.of(Payment.model_validate(row)))


@router.get(
    "/{paymentId}",
    response_model=schemas.PaymentDetailResponse,
    responses=error_responses(NotFound, NotOwner, PaymentUnknown),
)
async def get_payment(
    payment_id: schemas.PaymentId, user: CurrentUser, settlement: SettlementDep, request: Request
) -> Response:
    """Return a payment of the caller, after polling Stripe if it is in progress.

    It contains the `clientSecret` while the buyer must confirm it.
    """
    payment = await Payment.owned_by(user.id, payment_id)
    intent: Intent | None = None
    if payment.is_in_progress:
        try:
            payment, intent = await settlement.settle(payment)
        except StripeUnavailable:
            raise PaymentUnknown from None
    detail = schemas.PaymentDetailResponse.of(payment)
    if payment.status == PaymentStatus.NEEDS_CONFIRMATION and intent is not None:
        detail.client_secret = intent.client_secret
    return json_response(request, JsonBody.of(_to_json(detail)))


def _to_json(response: schemas.PaymentResponse) -> str:
    return response.model_dump_json(by_alias=True)


JSON_OBJECT = {"application/json": {"schema": {"type": "object"}}}


@router.post(
    "/webhook",
    responses=error_responses(InvalidSignature),
    openapi_extra={"requestBody": {"content": JSON_OBJECT}},
)
async def receive_webhook(
    request: Request, stripe_signature: Annotated[str | None, Header()] = None
) -> dict[str, str]:
    """Process an event that Stripe signed. Repeated, late, reordered and unknown ones are safe."""
    settings: PaymentsSettings = request.app.state.settings
    secret = settings.stripe_webhook_secret.get_secret_value()
    event = webhooks.verify(await request.body(), stripe_signature, secret)
    if event is not None:
        await webhooks.process(event)
    return {}


async def _wait_for_order(request: Request, order_id: str, user_id: str) -> None:
    """Wait until the order is known here. Raises: NotFound, Unavailable."""
    arrivals: OrderArrivals = request.app.state.order_arrivals
    with uncounted(request.scope):
        await arrivals.wait_for(order_id, user_id, functools.partial(_disconnected, request))


async def _disconnected(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _require_success(payment: Payment) -> None:
    """Raise the error that follows from the payment's status, unless it has succeeded."""
    match payment.status, payment.failure_cause:
        case PaymentStatus.SUCCEEDED, _:
            return
        case PaymentStatus.FAILED, FailureCause.DECLINED:
            raise PaymentDeclined(payment.message)
        case PaymentStatus.FAILED, FailureCause.INVALID_TOKEN:
            raise InvalidToken(payment.message, field="token")
        case PaymentStatus.FAILED, _:
            raise PaymentRefused(payment.message)
        case ((PaymentStatus.REFUND_PENDING | PaymentStatus.REFUNDED), _):
            raise ChargeRefunded(f"Your payment is refunded: {payment.reason}")
        case PaymentStatus.CHARGED_BACK, _:
            raise ChargeRefunded(f"Your payment is not kept: {payment.reason}")
        case _:  # for example, the bank is still processing it
            raise PaymentUnknown
