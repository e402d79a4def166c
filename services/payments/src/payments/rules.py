"""How a payment goes from its beginning to its end."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog
from beanie import PydanticObjectId

from payments.gateway import Gateway, NoAnswer, Paid, Result
from payments.models import Order, Payment, PaymentStatus
from ticketing_common import outbox
from ticketing_common.auth import SessionUser
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentStarted, utc_now
from ticketing_common.transaction import transactional

log = structlog.get_logger(__name__)

UNANSWERED_AFTER = timedelta(seconds=30)
"""After which a payment without an end was left behind: by a crash, or by Stripe."""
SWEEP_SECONDS = 5


@transactional
async def begin(user: SessionUser, order_id: str, token: str) -> Payment:
    """Note that we are about to charge, before we do."""
    order = await Order.payable_by(user, order_id)
    payment = await Payment.begin(order, token)
    await outbox.add(PaymentStarted.of(payment))
    return payment


async def settle(gateway: Gateway, payment: Payment) -> Result:
    """Charge, and note how it went. Raises NoAnswer: then `settle_left_behind` goes on."""
    result = await gateway.charge(payment)
    await _end(payment.id, result)
    return result


@transactional
async def _end(payment_id: PydanticObjectId, result: Result) -> None:
    payment = await Payment.get(payment_id)
    if payment is None or payment.status != PaymentStatus.STARTED:
        return  # somebody else asked too, and was told the same
    if isinstance(result, Paid):
        await payment.end(PaymentStatus.SUCCEEDED, result.stripe_id)
        await outbox.add(PaymentCreated.of(payment))
    else:
        await payment.end(PaymentStatus.FAILED, None)
        await outbox.add(PaymentFailed.of(payment))


async def settle_left_behind(gateway: Gateway) -> None:
    """Ask Stripe again, until cancelled, for payments whose end nobody has noted."""
    while True:
        try:
            while (payment := await _take_unanswered()) is not None:
                with suppress(NoAnswer):
                    await settle(gateway, payment)
        except Exception:  # whatever it is, the other payments wait for us too
            log.exception("payments.sweep_failed")
        await asyncio.sleep(SWEEP_SECONDS)


async def _take_unanswered() -> Payment | None:
    """The oldest one, taken so that no other replica asks for it meanwhile."""
    now = utc_now()
    taken = await Payment.get_pymongo_collection().find_one_and_update(
        {"status": PaymentStatus.STARTED.value, "asked_at": {"$lt": now - UNANSWERED_AFTER}},
        {"$set": {"asked_at": now}},
        sort=[("asked_at", 1)],
        return_document=True,
    )
    return Payment.model_validate(taken) if taken is not None else None
