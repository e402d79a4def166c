"""The beginning of an attempt: it is stored before Stripe is called."""

from datetime import timedelta

from beanie import PydanticObjectId
from pymongo.errors import DuplicateKeyError

from payments.domain.documents import POLL_LEASE, Order, Payment
from payments.domain.state_machine import Intent
from payments.errors import OrderAlreadyPaid, PaymentInProgress, TooManyAttempts
from ticketing_common.events import PaymentStarted, PaymentStatus, utc_now
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.sessions import SessionUser


class AwaitsConfirmation(Exception):
    """The previous attempt waits for the buyer's confirmation. Cancel it, then begin again."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(str(payment.id))
        self.payment = payment


@transactional
async def begin(
    user: SessionUser,
    order_id: str,
    token: str,
    *,
    currency: str,
    grace: timedelta,
    max_attempts: int | None = None,
    request_key: str | None = None,
) -> Payment:
    """Begin an attempt to pay an order, or return the previous one of the same request key.

    Raises: NotFound, NotOwner, OrderAlreadyCancelled, OrderAlreadyPaid, OrderExpired,
    PaymentInProgress, AwaitsConfirmation, TooManyAttempts.
    """
    order = await Order.owned_by(user.id, order_id)
    previous = await Payment.find({"order_id": order_id}).sort("-attempt").first_or_none()
    if previous is not None and request_key is not None and previous.request_key == request_key:
        return previous
    order.require_payable()
    if previous is not None:
        _require_failed(previous)
        if max_attempts is not None and previous.attempt >= max_attempts:
            raise TooManyAttempts(TooManyAttempts.message, retry_after=order.seconds_left())
    await order.count_attempt_change()
    payment = await _insert(
        Payment(
            order_id=str(order.id),
            attempt=previous.attempt + 1 if previous is not None else 1,
            user_id=order.user_id,
            ticket_id=order.ticket_id,
            amount=order.price,
            currency=currency,
            pay_by=order.expires_at + grace,
            request_key=request_key,
            token=token,
            receipt_email=user.email,
            next_poll_at=utc_now() + POLL_LEASE,
        )
    )
    await outbox.add(PaymentStarted.of(payment))
    return payment


async def record_intent(payment_id: PydanticObjectId, intent: Intent) -> bool:
    """Store the PaymentIntent before it is confirmed.

    Returns False if the payment has ended meanwhile, or has another intent: this one must then
    never be confirmed.
    """
    result = await Payment.get_pymongo_collection().update_one(
        {"_id": payment_id, "status": PaymentStatus.STARTED.value, "stripe_id": None},
        {
            "$set": {"stripe_id": intent.id, "token": None, "receipt_email": None},
            "$inc": {"version": 1},
        },
    )
    if result.matched_count:
        return True
    payment = await Payment.load(payment_id)
    return payment.stripe_id == intent.id and payment.is_in_progress


def _require_failed(previous: Payment) -> None:
    match previous.status:
        case PaymentStatus.FAILED:
            return
        case PaymentStatus.STARTED:
            raise PaymentInProgress
        case PaymentStatus.NEEDS_CONFIRMATION:
            raise AwaitsConfirmation(previous)
        case _:
            raise OrderAlreadyPaid


async def _insert(payment: Payment) -> Payment:
    try:
        return await payment.insert()
    except DuplicateKeyError:  # another request began the same attempt
        raise PaymentInProgress from None
