"""Disputes: a buyer claims at their bank that a charge was not right."""

import structlog
from beanie import PydanticObjectId

from payments.domain.documents import Payment
from ticketing_common.events import PaymentStatus
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)


@transactional
async def record_dispute(
    payment_id: PydanticObjectId,
    dispute_id: str,
    *,
    is_open: bool,
    is_lost: bool,
    is_inquiry: bool,
) -> None:
    """Store that a dispute was opened or closed. A closed one is never opened again.

    A lost one has returned the money, so it ends a refund that Stripe refuses.
    """
    payment = await Payment.load(payment_id)
    if dispute_id in payment.closed_disputes:
        return
    if not is_open:
        payment.closed_disputes.append(dispute_id)
    payment.disputed, payment.is_inquiry = is_open, is_open and is_inquiry
    payment.charged_back = payment.charged_back or is_lost
    if payment.charged_back and payment.status == PaymentStatus.REFUND_PENDING:
        payment.end_as_charged_back()
    await payment.save()
    log.error("payment.disputed", order_id=payment.order_id, open=is_open, lost=is_lost)
