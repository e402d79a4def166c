"""Refunds: requested by an operator, refused by Stripe, or returned by the buyer's bank."""

import structlog
from beanie import PydanticObjectId

from payments.domain.documents import Payment
from payments.domain.polling import poll_after_commit
from payments.domain.state_machine import Intent
from payments.errors import NotRefundable
from ticketing_common.errors import NotFound
from ticketing_common.events import CancelReason, PaymentStatus
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)

CANCEL_REASONS = {
    CancelReason.CANCELLED_BY_BUYER: "you cancelled the order",
    CancelReason.EXPIRED: "the order had expired before the payment arrived",
    CancelReason.TICKET_GONE: "the seller withdrew the ticket",
}
"""Why the payment of a cancelled order is refunded, for the buyer."""
PAID_TWICE = "the order had been paid already"
WRONG_CHARGE = "another amount than the price was charged"
RETURNED = "The buyer's bank returned the refund. Pay it out another way, or refund again."

_CANDIDATES = (
    PaymentStatus.SUCCEEDED,
    PaymentStatus.REFUND_PENDING,
    PaymentStatus.REFUNDED,  # the error message then states its status
    PaymentStatus.CHARGED_BACK,
    PaymentStatus.NEEDS_CONFIRMATION,
    PaymentStatus.STARTED,
)
"""The statuses of the payment to refund, the preferred ones first: of an order that was paid twice,
the payment that is not refunded yet."""


@transactional
async def refund_order(order_id: str, reason: str) -> Payment:
    """Request the refund of an order's payment, in full. Raises: NotFound, NotRefundable."""
    attempts = await Payment.of_order(order_id)
    if not attempts:
        raise NotFound(f"There is no payment for the order {order_id}")
    for status in _CANDIDATES:
        for payment in attempts:
            if payment.status == status:
                payment.require_undisputed()
                payment.request_refund(reason)
                poll_after_commit(payment)
                return await payment.save()
    raise NotRefundable("Nothing was paid for this order")


@transactional
async def record_refund_refusal(payment_id: PydanticObjectId, problem: str) -> Payment:
    """Store why Stripe refuses a refund, for an operator."""
    payment = await Payment.load(payment_id)
    if payment.problem != problem:
        payment.problem = problem
        await payment.save()
        log.error("refund.refused", order_id=payment.order_id, problem=problem)
    return payment


async def flag_returned_refund(payment: Payment, intent: Intent) -> None:
    """Stop polling a payment whose refund the bank returned, and leave it to an operator."""
    refunds = intent.refunds
    if (
        payment.status == PaymentStatus.REFUND_PENDING
        and refunds is not None
        and refunds.failed_count >= payment.refund_attempt
        and refunds.succeeded + refunds.pending < payment.charge
    ):
        payment.problem, payment.next_poll_at = RETURNED, None
        await payment.save()
        log.error("refund.returned", order_id=payment.order_id, payment_id=str(payment.id))
