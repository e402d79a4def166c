"""Payments: pay for an order."""

from fastapi import APIRouter, Request

from payments import rules
from payments.gateway import Declined, Gateway, NoAnswer, Paid, Refused
from payments.schemas import NewPayment, PaymentOut
from ticketing_common.auth import CurrentUser
from ticketing_common.errors import BadRequest, NotFound, PaymentDeclined, Unavailable
from ticketing_common.http.openapi import may_answer

router = APIRouter(tags=["payments"])


@router.post("", status_code=201, responses=may_answer(NotFound, PaymentDeclined))
async def pay(wish: NewPayment, user: CurrentUser, request: Request) -> PaymentOut:
    """Pay for an order that is yours. However many ask at once, one charge is made.

    An order that was placed just now can take a moment to be known here: 404 until then.
    402: the card was declined, in words for the buyer, and the order can still be paid.
    503: whether there is a charge is not known yet; it will be found out, and the order tells.
    """
    gateway: Gateway = request.app.state.gateway
    payment = await rules.begin(user, wish.order_id, wish.token)
    try:
        result = await rules.settle(gateway, payment)
    except NoAnswer:
        raise Unavailable(
            "The bank has not answered yet. Do not pay again: look at your order in a minute",
            retry_after=30,
        ) from None
    match result:
        case Paid(stripe_id):
            return PaymentOut(id=str(payment.id), order_id=payment.order_id, stripe_id=stripe_id)
        case Declined(message):
            raise PaymentDeclined(message)
        case Refused(message, token_is_to_blame):
            raise BadRequest(message, field="token" if token_is_to_blame else None)
