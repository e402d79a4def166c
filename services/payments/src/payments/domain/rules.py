"""What is written when a payment begins, and when Stripe has told how it stands."""

from datetime import timedelta

import structlog
from beanie import PydanticObjectId

from payments.domain.documents import (
    Fault,
    NotPayable,
    NotRefundable,
    Order,
    Payment,
    PaymentUnderWay,
)
from payments.domain.state_machine import Intent, stands
from ticketing_common.errors import NotFound
from ticketing_common.events import (
    CancelReason,
    OrderStatus,
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentRefunded,
    PaymentStarted,
)
from ticketing_common.events.payments import PaymentStatus
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.sessions import SessionUser

log = structlog.get_logger(__name__)

WHY_REFUNDED = {
    CancelReason.CANCELLED_BY_BUYER: "you cancelled the order",
    CancelReason.EXPIRED: "the order's time was over before the payment arrived",
    CancelReason.TICKET_GONE: "the seller took the ticket off the market",
}
PAID_TWICE = "the order had been paid already"
SENT_BACK = "The buyer's bank sent the refund back: pay it out another way, or refund again"


REFUNDABLE = (
    *(PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_PENDING),
    *(PaymentStatus.REFUNDED, PaymentStatus.NEEDS_CONFIRMATION),  # it is said that these are not
)
"""Which try an operator means: of an order that was paid twice, the one that is not back yet."""


class WaitsForBuyer(Exception):
    """The try before this one waits for the buyer to confirm it."""

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
    key: str | None = None,
) -> Payment:
    """Note that we are about to charge, before we do; the try of before, for the same key.

    Raises NotFound, NotAuthorized, NotPayable, PaymentUnderWay, WaitsForBuyer: one at a time, one
    charge.
    """
    order = await Order.owned_by(user.id, order_id)
    last = await Payment.find({"order_id": order_id}).sort("-number").first_or_none()
    if last is not None and key is not None and last.asked_with == key:
        return last
    order.must_be_payable()
    match last.status if last is not None else None:
        case PaymentStatus.STARTED:
            raise PaymentUnderWay
        case PaymentStatus.NEEDS_CONFIRMATION:
            assert last is not None
            raise WaitsForBuyer(last)
        case None | PaymentStatus.FAILED:
            pass
        case _:
            raise NotPayable("The order is paid already")
    await order.note_turn()
    payment = await Payment.begin(
        order,
        last.number + 1 if last is not None else 1,
        token,
        currency=currency,
        grace=grace,
        key=key,
        email=user.email,
    )
    await outbox.add(PaymentStarted.of(payment))
    return payment


@transactional
async def note_intent(payment_id: PydanticObjectId, intent: Intent) -> Payment:
    """Remember what we are about to confirm, unless the payment has ended meanwhile."""
    payment = await _payment(payment_id)
    if payment.status == PaymentStatus.STARTED and payment.stripe_id is None:
        payment.stripe_id = intent.id
        payment.token = payment.receipt_email = None
        await payment.save()
    return payment


@transactional
async def note(payment_id: PydanticObjectId, intent: Intent) -> Payment:
    """Bring a payment to where its intent is, and tell of it."""
    payment = await _payment(payment_id)
    status = stands(payment.status, intent, amount=payment.amount)
    if status == payment.status:
        if _was_sent_back(payment, intent):
            await _leave_to_an_operator(payment)
        return payment
    payment.stripe_id = intent.id
    payment.move(status)
    match status:
        case PaymentStatus.SUCCEEDED:
            if stands(status, intent, amount=payment.amount) != status:
                payment.look_now()  # it was given back before we knew of it
            await _succeed(payment)
        case PaymentStatus.FAILED:
            payment.fault = Fault.DECLINED
            payment.message = intent.message or "The payment was not confirmed in time."
            await _fail(payment)
        case PaymentStatus.REFUNDED:
            payment.reason = payment.reason or "given back by the market"
            payment.problem = None
            await payment.save()
            await outbox.add(PaymentRefunded.of(payment))
        case _:
            await payment.save()
    return payment


@transactional
async def note_refusal(payment_id: PydanticObjectId, message: str, fault: Fault) -> Payment:
    """Nothing was charged, and nothing will be: end a payment that has no intent."""
    payment = await _payment(payment_id)
    if payment.status == PaymentStatus.STARTED and payment.stripe_id is None:
        payment.move(PaymentStatus.FAILED)
        payment.message, payment.fault = message, fault
        await _fail(payment)
    return payment


@transactional
async def note_problem(payment_id: PydanticObjectId, problem: str) -> Payment:
    """Keep what stands in the way of a refund, for an operator to see."""
    payment = await _payment(payment_id)
    if payment.problem != problem:
        payment.problem = problem
        await payment.save()
        log.error("payments.refund_refused", order=payment.order_id, problem=problem)
    return payment


@transactional
async def look_now(payment_id: PydanticObjectId) -> None:
    """Have Stripe asked how a payment stands, as there is news of it."""
    payment = await _payment(payment_id)
    payment.look_now()
    await payment.save()


@transactional
async def note_dispute(
    payment_id: PydanticObjectId, dispute_id: str, *, is_open: bool, is_lost: bool
) -> None:
    """The buyer has told their bank that the charge was not right, or that is settled."""
    payment = await _payment(payment_id)
    if dispute_id in payment.closed_disputes:
        return
    if not is_open:
        payment.closed_disputes.append(dispute_id)
    payment.disputed = is_open
    payment.charged_back = payment.charged_back or is_lost
    await payment.save()
    log.error("payments.disputed", order=payment.order_id, open=is_open, lost=is_lost)


@transactional
async def refund(order_id: str, reason: str) -> Payment:
    """Have what was paid for an order given back, in full. Raises NotFound, NotRefundable."""
    tries = await Payment.of_order(order_id)
    if not tries:
        raise NotFound(f"There is no payment for an order {order_id}")
    for status in REFUNDABLE:
        for payment in tries:
            if payment.status == status:
                payment.give_back(reason)
                return await payment.save()
    raise NotRefundable("Nothing was paid for this order")


async def end_with(order: Order, reason: CancelReason) -> None:
    """Stop what is under way for a cancelled order, give back what was paid for it."""
    for payment in await Payment.of_order(str(order.id)):
        if payment.status == PaymentStatus.SUCCEEDED:
            payment.give_back(WHY_REFUNDED[reason])
        elif payment.is_under_way:
            payment.look_now()
        else:
            continue
        await payment.save()


async def close(order: Order) -> None:
    """Take no other payment for an order whose time is over; say if none is on its way."""
    order.overdue = True
    await _tell_if_missed(order)


async def _tell_if_missed(order: Order) -> None:
    """The end of a closed order that nobody has paid for: whoever hears of it cancels the order."""
    if not order.overdue or not order.is_open or order.paid_by is not None:
        return
    if not any(payment.is_under_way for payment in await Payment.of_order(str(order.id))):
        await outbox.add(PaymentMissed(order_id=str(order.id)))


async def _fail(payment: Payment) -> None:
    """The order can be paid by another try, unless its time is over."""
    await payment.save()
    await outbox.add(PaymentFailed.of(payment))
    order = await payment.order()
    await order.note_turn()
    await _tell_if_missed(order)


async def _succeed(payment: Payment) -> None:
    """The order is the buyer's, unless it cannot be had any more: then the money goes back."""
    payment.fault = payment.message = None
    await payment.save()
    await outbox.add(PaymentCreated.of(payment))
    order = await payment.order()
    is_the_first = await order.note_paid_by(str(payment.id))
    if order.status == OrderStatus.CANCELLED:
        payment.give_back(WHY_REFUNDED[order.cancelled_because or CancelReason.EXPIRED])
    elif not is_the_first:
        payment.give_back(PAID_TWICE)
    else:
        return
    await payment.save()


def _was_sent_back(payment: Payment, intent: Intent) -> bool:
    refunds = intent.refunds
    return (
        payment.status == PaymentStatus.REFUND_PENDING
        and refunds is not None
        and refunds.failed >= payment.refund_number
        and refunds.done + refunds.pending < payment.amount
    )


async def _leave_to_an_operator(payment: Payment) -> None:
    payment.problem, payment.look_at = SENT_BACK, None
    await payment.save()
    log.error("payments.refund_sent_back", order=payment.order_id, payment=str(payment.id))


async def _payment(payment_id: PydanticObjectId) -> Payment:
    payment = await Payment.get(payment_id)
    assert payment is not None, "payments are never deleted"
    return payment
