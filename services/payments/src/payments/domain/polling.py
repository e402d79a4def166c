"""Requests to poll Stripe at once. They wake the settlement job of this process."""

from beanie import PydanticObjectId

from payments.domain.documents import Payment
from ticketing_common.events import utc_now
from ticketing_common.persistence.transaction import notify_after_commit, transactional

PAYMENT_DUE = "payment-due"
"""The topic of the notification: a payment became due."""


def poll_after_commit(payment: Payment) -> None:
    """Make the payment due once the running transaction commits. The caller saves it."""
    payment.next_poll_at = utc_now()
    notify_after_commit(PAYMENT_DUE)


@transactional
async def request_poll(payment_id: PydanticObjectId) -> None:
    """Make the payment due at once, because Stripe reported a change."""
    payment = await Payment.load(payment_id)
    poll_after_commit(payment)
    await payment.save()
