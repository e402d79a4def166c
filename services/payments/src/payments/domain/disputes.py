"""Disputes: a buyer claims at their bank that a charge was not right."""

import structlog
from beanie import PydanticObjectId

from payments.domain.documents import Payment
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)


@transactional
async def record_dispute(
    payment_id: PydanticObjectId, dispute_id: str, *, is_open: bool, is_lost: bool
) -> None:
    """Store that a dispute was opened or closed. A closed one is never opened again."""
    payment = await Payment.load(payment_id)
    if dispute_id in payment.closed_disputes:
        return
    if not is_open:
        payment.closed_disputes.append(dispute_id)
    payment.disputed = is_open
    payment.charged_back = payment.charged_back or is_lost
    await payment.save()
    log.error("payment.disputed", order_id=payment.order_id, open=is_open, lost=is_lost)
