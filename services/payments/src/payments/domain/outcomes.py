"""The outcomes of an attempt: Stripe's answers become a status and a domain event."""

import structlog
from beanie import PydanticObjectId

from payments.domain.documents import FailureCause, Payment
from payments.domain.order_end import publish_if_missed
from payments.domain.polling import poll_after_commit
from payments.domain.refunds import (
    CANCEL_REASONS,
    PAID_TWICE,
    WRONG_CHARGE,
    flag_returned_refund,
)
from payments.domain.state_machine import Intent, next_status
from ticketing_common.events import (
    CancelReason,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentStatus,
    utc_now,
)
from ticketing_common.observability import metrics
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)


@transactional
async def record_intent_state(payment_id: PydanticObjectId, intent: Intent) -> Payment:
    """Bring the payment to the status that follows from its PaymentIntent."""
    payment = await Payment.load(payment_id)
    status = next_status(payment.status, intent, amount=payment.charge)
    if status == payment.status:
        await flag_returned_refund(payment, intent)
        return payment
    payment.stripe_id = intent.id
    payment.transition(status)
    match status:
        case PaymentStatus.SUCCEEDED if not intent.is_about(payment.amount, payment.currency):
            await _refund_wrong_charge(payment, intent)
        case PaymentStatus.SUCCEEDED:
            await _succeed(payment, intent)
        case PaymentStatus.FAILED:
            payment.failure_cause = FailureCause.DECLINED
            payment.message = intent.message or "The payment was not confirmed in time."
            await _fail(payment)
        case PaymentStatus.REFUNDED:
            payment.reason = payment.reason or "refunded by the marketplace"
            payment.problem, payment.refunded_at = None, utc_now()
            await payment.save()
            await outbox.add(PaymentRefunded.of(payment))
        case _:
            await payment.save()
    return payment


@transactional
async def record_refusal(
    payment_id: PydanticObjectId, message: str, cause: FailureCause
) -> Payment:
    """End a payment that has no PaymentIntent: nothing was charged, and nothing will be."""
    payment = await Payment.load(payment_id)
    if payment.status == PaymentStatus.STARTED and payment.stripe_id is None:
        payment.transition(PaymentStatus.FAILED)
        payment.message, payment.failure_cause = message, cause
        await _fail(payment)
    return payment


async def _succeed(payment: Payment, intent: Intent) -> None:
    """Record a charge, and refund it if the order was cancelled or is paid already."""
    payment.failure_cause = payment.message = None
    if next_status(payment.status, intent, amount=payment.charge) != payment.status:
        poll_after_commit(payment)  # it was refunded before the charge was known here
    await payment.save()
    await outbox.add(PaymentCreated.of(payment))
    order = await payment.order()
    is_first = await order.set_paid_by(str(payment.id))
    if order.status == OrderStatus.CANCELLED:
        payment.request_refund(CANCEL_REASONS[order.cancel_reason or CancelReason.EXPIRED])
    elif not is_first:
        payment.request_refund(PAID_TWICE)
    else:
        return
    poll_after_commit(payment)
    await payment.save()


async def _refund_wrong_charge(payment: Payment, intent: Intent) -> None:
    """Refund a charge of another amount or currency. It does not complete the order."""
    payment.failure_cause = payment.message = None
    payment.wrong_charge = intent.amount
    payment.request_refund(WRONG_CHARGE)
    poll_after_commit(payment)
    metrics.WRONG_CHARGES.inc()
    log.error(
        "payment.wrong_charge",
        payment_id=str(payment.id),
        order_id=payment.order_id,
        charged=f"{intent.amount} {intent.currency}",
        expected=f"{payment.amount} {payment.currency}",
    )
    await _fail(payment)


async def _fail(payment: Payment) -> None:
    """Record a failure. The order can be paid by another attempt, unless its time is over."""
    await payment.save()
    await outbox.add(PaymentFailed.of(payment))
    order = await payment.order()
    await order.count_attempt_change()
    await publish_if_missed(order)
