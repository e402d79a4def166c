"""Paying, step by step: ask Stripe, note what it said. No transaction is open while it is asked."""

import asyncio
from datetime import timedelta

import structlog

from payments.domain import rules
from payments.domain.documents import Order, Payment, PaymentUnderWay
from payments.domain.state_machine import Intent, Step, next_step
from payments.jobs.wakeup import light_sleep
from payments.stripe.client import Gateway, NoAnswer, Refused
from ticketing_common.events import utc_now
from ticketing_common.events.payments import PaymentStatus
from ticketing_common.web.sessions import SessionUser

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Payments that a sweep looks at side by side: one that Stripe is slow with holds up no other."""


class Processor:
    """What payments asks of Stripe. Raises NoAnswer where Stripe is away: a sweep then goes on."""

    def __init__(self, gateway: Gateway, currency: str, grace: timedelta) -> None:
        self._gateway = gateway
        self._currency = currency
        self._grace = grace

    async def pay(
        self, user: SessionUser, order_id: str, token: str, key: str | None
    ) -> tuple[Payment, Intent | None]:
        """Pay for an order; the payment as it then stands, and its intent if it has one.

        A try that waits for the buyer gives way to the new one. Raises what `rules.begin` does, and
        CircuitOpen before anything has begun.
        """
        self._gateway.breaker.check()
        try:
            payment = await self._begin(user, order_id, token, key)
        except rules.WaitsForBuyer as waiting:
            await self._give_up(waiting.payment)
            try:
                payment = await self._begin(user, order_id, token, key)
            except rules.WaitsForBuyer:  # it cannot be cancelled now, or another tab was faster
                raise PaymentUnderWay from None
        return await self.settle(payment)

    async def _begin(
        self, user: SessionUser, order_id: str, token: str, key: str | None
    ) -> Payment:
        return await rules.begin(
            user, order_id, token, currency=self._currency, grace=self._grace, key=key
        )

    async def _give_up(self, payment: Payment) -> None:
        assert payment.stripe_id is not None, "nobody waits for a buyer without an intent"
        await rules.note(payment.id, await self._gateway.cancel(payment.stripe_id))

    async def settle(self, payment: Payment) -> tuple[Payment, Intent | None]:
        """Do for a payment what is to be done next, and note how it stands."""
        order = await payment.order()
        wanted = order.is_open and utc_now() < payment.pay_by
        try:
            intent = await self._intent(payment, order, wanted=wanted)
        except Refused as refused:
            return await rules.note_refusal(payment.id, refused.message, refused.fault), None
        step = next_step(
            payment.status,
            intent,
            amount=payment.amount,
            wanted=wanted,
            refund=payment.refund_number,
        )
        match step:
            case Step.CONFIRM:
                intent = await self._gateway.confirm(intent.id, payment.key_for("confirm"))
            case Step.CANCEL:
                intent = await self._gateway.cancel(intent.id, message=intent.message)
            case Step.REFUND:
                try:
                    intent = await self._gateway.refund(payment, intent.id)
                except Refused as refused:
                    return await rules.note_problem(payment.id, refused.message), intent
            case Step.NOTHING:
                pass
        return await rules.note(payment.id, intent), intent

    async def _intent(self, payment: Payment, order: Order, *, wanted: bool) -> Intent:
        """The payment's intent, made if there is none. Raises Refused."""
        if payment.stripe_id is not None:
            return await self._gateway.look(payment.stripe_id)
        if payment.status != PaymentStatus.STARTED or not wanted:
            raise Refused("The payment was not made in time.")
        intent = await self._gateway.create(payment, order)
        noted = await rules.note_intent(payment.id, intent)
        if noted.stripe_id != intent.id or not noted.is_under_way:
            raise Refused("The payment was not made in time.")  # the intent is never confirmed
        return intent

    async def keep_settling(self) -> None:
        """Look at payments whose time has come, until cancelled."""
        with light_sleep() as sleep:
            while True:
                try:
                    async with asyncio.TaskGroup() as group:
                        for _ in range(AT_ONCE):
                            group.create_task(self._settle_due())
                except Exception:  # whatever it is, the other payments wait for us too
                    log.exception("payments.sweep_failed")
                await sleep.until_due()

    async def _settle_due(self) -> None:
        while (payment := await Payment.take_due()) is not None:
            answered = False
            try:
                await self.settle(payment)
                answered = True
            except NoAnswer as error:  # away, or it does not take our key
                log.warning("payments.no_answer", payment=str(payment.id), error=str(error))
            except Exception:
                log.exception("payments.not_settled", payment=str(payment.id))
            await payment.look_later(answered=answered)
