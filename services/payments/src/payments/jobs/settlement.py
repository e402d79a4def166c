"""Settlement: carry out a payment's next step at Stripe and record its outcome.

No transaction is open during a call to Stripe.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from payments.domain import attempts
from payments.domain.documents import POLL_BACKOFF, POLL_LEASE, Order, Payment
from payments.domain.outcomes import record_intent_state, record_refusal
from payments.domain.polling import PAYMENT_DUE
from payments.domain.refunds import record_refund_refusal
from payments.domain.state_machine import Intent, Step, next_step
from payments.errors import PaymentInProgress
from payments.stripe.client import StripeClient, StripeRefusal, StripeUnavailable
from ticketing_common.events import PaymentStatus, utc_now
from ticketing_common.invalid_rows import omit_invalid
from ticketing_common.persistence.database import on_commit
from ticketing_common.persistence.lease import claim_due
from ticketing_common.web.sessions import SessionUser

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5
CONCURRENT_POLLS = 4
"""Payments that one sweep polls at the same time, so that a slow call delays no other payment."""


class Settlement:
    """Settles payments at Stripe, on request and in the background."""

    def __init__(
        self,
        stripe: StripeClient,
        currency: str,
        grace: timedelta,
        max_attempts: int | None = None,
    ) -> None:
        self._stripe = stripe
        self._max_attempts = max_attempts
        self._currency = currency
        self._grace = grace

    async def pay(
        self, user: SessionUser, order_id: str, token: str, request_key: str | None
    ) -> tuple[Payment, Intent | None]:
        """Begin an attempt to pay an order and settle it.

        An attempt that awaits the buyer's confirmation is cancelled first.

        Raises: the errors of `attempts.begin`, CircuitOpen before anything has begun, and
        StripeUnavailable: the payment is then settled later.
        """
        self._stripe.require_available()
        try:
            payment = await self._begin(user, order_id, token, request_key)
        except attempts.AwaitsConfirmation as error:
            await self._cancel(error.payment)
            try:
                payment = await self._begin(user, order_id, token, request_key)
            except attempts.AwaitsConfirmation:  # not cancellable now, or another tab was faster
                raise PaymentInProgress from None
        return await self.settle(payment)

    async def _begin(
        self, user: SessionUser, order_id: str, token: str, request_key: str | None
    ) -> Payment:
        return await attempts.begin(
            user,
            order_id,
            token,
            currency=self._currency,
            grace=self._grace,
            max_attempts=self._max_attempts,
            request_key=request_key,
        )

    async def _cancel(self, payment: Payment) -> None:
        assert payment.stripe_id is not None  # only a confirmed intent awaits the buyer
        intent = await self._stripe.cancel_intent(payment.stripe_id)
        await record_intent_state(payment.id, intent)

    async def settle(self, payment: Payment) -> tuple[Payment, Intent | None]:
        """Carry out the payment's next step. Raises: StripeUnavailable."""
        order = await payment.order()
        is_payable = order.is_open and utc_now() < payment.pay_by
        try:
            intent = await self._intent_of(payment, order, is_payable=is_payable)
        except StripeRefusal as refusal:
            return await record_refusal(payment.id, refusal.message, refusal.cause), None
        step = next_step(
            payment.status,
            intent,
            amount=payment.charge,
            is_payable=is_payable,
            refund_attempt=payment.refund_attempt,
        )
        match step:
            case Step.CONFIRM:
                key = payment.stripe_key_for("confirm")
                intent = await self._stripe.confirm_intent(intent.id, key)
            case Step.CANCEL:
                intent = await self._stripe.cancel_intent(intent.id, message=intent.message)
            case Step.REFUND:
                try:
                    intent = await self._stripe.refund(payment, intent.id)
                except StripeRefusal as refusal:
                    return await record_refund_refusal(payment.id, refusal.message), intent
            case Step.NOTHING:
                pass
        return await record_intent_state(payment.id, intent), intent

    async def _intent_of(self, payment: Payment, order: Order, *, is_payable: bool) -> Intent:
        """Return the payment's intent. Creates it if there is none. Raises: StripeRefusal."""
        if payment.stripe_id is not None:
            return await self._stripe.retrieve_intent(payment.stripe_id)
        if payment.status != PaymentStatus.STARTED or not is_payable:
            raise StripeRefusal("The payment was not made in time.")
        intent = await self._stripe.create_intent(payment, order)
        if not await attempts.record_intent(payment.id, intent):
            raise StripeRefusal("The payment was not made in time.")
        return intent

    async def run(self) -> None:
        """Settle due payments until cancelled: at once after a notification, else in sweeps."""
        notified = asyncio.Event()
        unsubscribe = on_commit(PAYMENT_DUE, lambda _: notified.set())
        try:
            while True:
                notified.clear()
                try:
                    await self.settle_due(CONCURRENT_POLLS)
                except Exception:
                    log.exception("settlement.failed")
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_SECONDS):
                        await notified.wait()
        finally:
            unsubscribe()

    async def settle_due(self, concurrency: int = 1) -> None:
        """Settle the due payments, so many at a time."""
        slots = asyncio.Semaphore(concurrency)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await slots.acquire()
                if (payment := await _claim_due()) is None:
                    return
                task = tasks.create_task(self._settle_claimed(payment))
                task.add_done_callback(lambda _: slots.release())

    async def _settle_claimed(self, payment: Payment) -> None:
        is_settled = False
        try:
            await self.settle(payment)
            is_settled = True
        except StripeUnavailable as error:
            log.warning("stripe.unavailable", payment_id=str(payment.id), error=str(error))
        except Exception:
            log.exception("payment.not_settled", payment_id=str(payment.id))
        await _schedule_next_poll(payment, is_settled=is_settled)


async def _claim_due() -> Payment | None:
    collection = Payment.get_pymongo_collection()
    while row := await claim_due(collection, "next_poll_at", POLL_LEASE, count="polls"):
        with omit_invalid("payment", row["_id"]):
            payment: Payment = Payment.model_validate(row)
            return payment
    return None


async def _schedule_next_poll(payment: Payment, *, is_settled: bool) -> None:
    """Schedule the next poll of a claimed payment, unless a transition has done so meanwhile.

    A payment that has ended is polled because of a webhook: once that has succeeded, no more.
    """
    now = utc_now()
    next_poll_at = now + timedelta(seconds=POLL_BACKOFF.delay(payment.polls + 1))
    if payment.is_in_progress and now < payment.pay_by < next_poll_at:
        next_poll_at = payment.pay_by
    has_ended = is_settled and not payment.awaits_stripe
    await Payment.get_pymongo_collection().update_one(
        {"_id": payment.id, "next_poll_at": payment.next_poll_at},
        {"$set": {"next_poll_at": None if has_ended else next_poll_at}},
    )
