"""The end of an order: its payments in progress stop, its charge is refunded."""

from payments.domain.documents import Order, Payment
from payments.domain.polling import poll_after_commit
from payments.domain.refunds import CANCEL_REASONS
from ticketing_common.events import CancelReason, PaymentMissed, PaymentStatus
from ticketing_common.persistence import outbox


async def refund_or_cancel(order: Order, reason: CancelReason) -> None:
    """Request the refund of a cancelled order's charge, and make its payments in progress due.

    Settlement then cancels those at Stripe.
    """
    for payment in await Payment.of_order(str(order.id)):
        if payment.status == PaymentStatus.SUCCEEDED:
            payment.request_refund(CANCEL_REASONS[reason])
        elif not payment.is_in_progress:
            continue
        poll_after_commit(payment)
        await payment.save()


async def publish_if_missed(order: Order) -> None:
    """Publish PaymentMissed if an overdue order is unpaid and no payment is in progress."""
    if not order.overdue or not order.is_open or order.paid_by is not None:
        return
    if not any(payment.is_in_progress for payment in await Payment.of_order(str(order.id))):
        await outbox.add(PaymentMissed(order_id=str(order.id)))
