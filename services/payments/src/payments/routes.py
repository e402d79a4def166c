"""Payments: pay for an order, see how it stands, and what Stripe tells."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from payments.domain.documents import Fault, Order, Payment
from payments.domain.state_machine import Intent
from payments.jobs.settlement import Processor
from payments.schemas import (
    NewPayment,
    OfOrder,
    PaymentId,
    PaymentOut,
    PaymentShown,
    PaymentState,
    Unconfirmed,
)
from payments.settings import PaymentsSettings
from payments.stripe import webhooks
from payments.stripe.client import NoAnswer
from ticketing_common.errors import (
    BadRequest,
    NotFound,
    ServiceError,
    Unavailable,
)
from ticketing_common.events.payments import PaymentStatus
from ticketing_common.web.idempotency import HEADER
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.sessions import CurrentUser

router = APIRouter(tags=["payments"])


class PaymentDeclined(ServiceError):
    """The card was declined. The order can still be paid with another one."""

    status = 402
    code = "payment_declined"
    message = "Your card was declined."


class NotAnswered(Unavailable):
    """Whether there is a charge is not known yet."""

    def __init__(self) -> None:
        super().__init__(
            "The bank has not answered yet. Do not pay again: look at your order in a minute",
            retry_after=30,
        )


@router.post(
    "",
    status_code=201,
    responses={
        202: {"model": Unconfirmed, "description": "The bank wants the buyer to confirm"},
        **error_responses(NotFound, PaymentDeclined),
    },
)
async def pay(
    wish: NewPayment, user: CurrentUser, request: Request, response: Response
) -> PaymentOut | Unconfirmed:
    """Pay for an order that is yours. However many ask at once, one charge is made.

    An order that was placed just now can take a moment to be known here: 404 until then.
    202: the bank wants to ask the buyer; pass the `clientSecret` to Stripe's script. To pay with
    another card instead, just do: the payment that waits for the buyer is cancelled first.
    402: the card was declined, in words for the buyer, and the order can still be paid.
    409: a payment for this order is under way.
    503: whether there is a charge is not known yet; it will be found out, and the order tells.
    """
    try:
        payment, intent = await _processor(request).pay(
            user, wish.order_id, wish.token, request.headers.get(HEADER)
        )
    except NoAnswer:
        raise NotAnswered from None
    if payment.status == PaymentStatus.NEEDS_CONFIRMATION and intent is not None:
        response.status_code = 202
        return _unconfirmed(payment, intent)
    return _paid(payment)


@router.get("", responses=error_responses(NotFound))
async def list_payments(order_id: OfOrder, user: CurrentUser) -> list[PaymentState]:
    """How the payments for an order of yours stand, the newest first."""
    order = await Order.owned_by(user.id, order_id)
    return [PaymentState.of(payment) for payment in await Payment.of_order(str(order.id))]


@router.get("/{paymentId}", responses=error_responses(NotFound))
async def show_payment(payment_id: PaymentId, user: CurrentUser, request: Request) -> PaymentShown:
    """How a payment of yours stands. One that is under way is looked up at Stripe first.

    With the `clientSecret`, while it waits for you to confirm it.
    """
    payment, intent = await Payment.owned_by(user.id, payment_id), None
    if payment.is_under_way:
        try:
            payment, intent = await _processor(request).settle(payment)
        except NoAnswer:
            raise NotAnswered from None
    shown = PaymentShown.of(payment)
    if payment.status == PaymentStatus.NEEDS_CONFIRMATION and intent is not None:
        shown.client_secret = intent.client_secret
    return shown


STRIPES_EVENT = {"application/json": {"schema": {"type": "object"}}}


@router.post("/webhook", openapi_extra={"requestBody": {"content": STRIPES_EVENT}})
async def hear_stripe(
    request: Request, stripe_signature: Annotated[str | None, Header()] = None
) -> dict[str, str]:
    """Take in an event that Stripe signed. Twice, late, out of order or unknown: all are fine."""
    settings: PaymentsSettings = request.app.state.settings
    secret = settings.stripe_webhook_secret.get_secret_value()
    event = webhooks.verified(await request.body(), stripe_signature, secret)
    if event is not None:
        await webhooks.take_in(event)
    return {}


def _processor(request: Request) -> Processor:
    processor: Processor = request.app.state.processor
    return processor


def _unconfirmed(payment: Payment, intent: Intent) -> Unconfirmed:
    return Unconfirmed(
        id=str(payment.id), order_id=payment.order_id, client_secret=intent.client_secret or ""
    )


def _paid(payment: Payment) -> PaymentOut:
    match payment.status, payment.fault:
        case (PaymentStatus.SUCCEEDED, _):
            return PaymentOut.of(payment)
        case (PaymentStatus.FAILED, Fault.DECLINED):
            raise PaymentDeclined(payment.message)
        case (PaymentStatus.FAILED, fault):
            raise BadRequest(payment.message, field="token" if fault == Fault.BAD_TOKEN else None)
        case (PaymentStatus.REFUND_PENDING | PaymentStatus.REFUNDED, _):
            raise BadRequest(f"You get your money back: {payment.reason}")
        case _:  # e.g. the bank takes its time
            raise NotAnswered
