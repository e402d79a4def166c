"""Money that goes back: in full, once, and the buyer is told why."""

import asyncio
from typing import Any

import pytest

from payments.domain import rules
from payments.domain.documents import NotRefundable, Payment
from ticketing_common.errors import NotFound
from ticketing_common.events import PaymentCreated, PaymentRefunded
from ticketing_common.persistence.transaction import transactional
from ticketing_testing import RunningService, eventually, new_id
from ticketing_testing.standins import StripeStandInClient

REFUNDING = {"path": "/v1/refunds", "method": "POST"}
CONFIRMING = {"path": "/v1/payment_intents/", "method": "POST"}


async def problem_of(purchase: Any) -> str | None:
    payment: Payment = await purchase.payment()
    return payment.problem


async def has_come_to(purchase: Any, *statuses: str) -> bool:
    return bool(await purchase.statuses() == [*statuses])


async def test_an_order_that_is_paid_and_complete_keeps_its_charge(
    payments: RunningService, purchase: Any, given_back: Any, later: Any
) -> None:
    await purchase.pay()
    await later()
    assert await given_back(purchase) == []
    assert await payments.bus.published(PaymentRefunded, 0) == []


async def test_while_stripe_is_away_the_refund_waits_and_is_made_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel: Any,
    given_back: Any,
    later: Any,
) -> None:
    await purchase.pay()
    await later()  # the pauses are short now
    await stripe.add_fault("drop", times=4, **REFUNDING)
    await stripe.add_fault("drop", times=2, when="after", **REFUNDING)
    await stripe.add_fault("error", status=500, when="during", **REFUNDING)
    await cancel(purchase)

    await payments.bus.published(PaymentRefunded)

    assert await given_back(purchase) == [2500]
    assert len(await payments.bus.published(PaymentRefunded)) == 1


@pytest.mark.usefixtures("webhooks")
async def test_a_refund_that_takes_its_time_is_told_when_it_is_done(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, cancel: Any
) -> None:
    await purchase.pay("pm_card_pendingRefund")
    await cancel(purchase)
    await eventually(lambda: refunds_of(stripe, purchase))
    assert await purchase.statuses() == ["refund-pending"]
    assert await payments.bus.published(PaymentRefunded, 0) == []

    (refund,) = await refunds_of(stripe, purchase)
    await stripe.set_outcome("refunds", refund["id"], "succeed")

    await payments.bus.published(PaymentRefunded)
    assert await purchase.statuses() == ["refunded"]


async def refunds_of(stripe: StripeStandInClient, purchase: Any) -> list[dict[str, Any]]:
    refunds = (await stripe.get("/v1/refunds", limit=100))["data"]
    return [one for one in refunds if one["metadata"].get("order_id") == purchase.order.id]


@pytest.mark.usefixtures("webhooks")
async def test_a_refund_that_the_bank_sends_back_is_left_to_an_operator_who_may_ask_again(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, cancel: Any, later: Any
) -> None:
    await purchase.pay("pm_card_refundFail")
    await later()
    await cancel(purchase)
    await payments.bus.published(PaymentRefunded)
    (refund,) = await refunds_of(stripe, purchase)
    await stripe.set_outcome("refunds", refund["id"], "fail")

    assert "sent the refund back" in (await eventually(lambda: problem_of(purchase)) or "")
    assert await purchase.statuses() == ["refund-pending"]
    assert len(await refunds_of(stripe, purchase)) == 1

    await rules.refund(purchase.order.id, "once more")
    await eventually(lambda: two_refunds(stripe, purchase))


async def two_refunds(stripe: StripeStandInClient, purchase: Any) -> bool:
    return len(await refunds_of(stripe, purchase)) == 2


async def test_what_is_disputed_cannot_be_refunded_until_the_dispute_is_over(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, cancel: Any, later: Any
) -> None:
    await purchase.pay("pm_card_createDispute")
    await later()
    await cancel(purchase)

    assert "charged back" in (
        await eventually(lambda: problem_of(purchase)) or ""
    ) or await problem_of(purchase)
    assert await purchase.statuses() == ["refund-pending"]
    (dispute,) = (await stripe.get("/v1/disputes", limit=1))["data"]
    await stripe.set_outcome("disputes", dispute["id"], "won")

    await payments.bus.published(PaymentRefunded)
    assert await problem_of(purchase) is None


@pytest.mark.usefixtures("webhooks")
async def test_what_the_bank_has_given_back_in_a_dispute_is_not_asked_for_again(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, cancel: Any, later: Any
) -> None:
    await purchase.pay("pm_card_createDispute")
    await later()
    await cancel(purchase)
    intent = (await purchase.payments())[0]["stripeId"]
    disputes = (await stripe.get("/v1/disputes", limit=100))["data"]
    [dispute] = [one for one in disputes if one["payment_intent"] == intent]
    await stripe.set_outcome("disputes", dispute["id"], "lost")

    async def is_left_alone() -> bool:
        payment = await purchase.payment()
        return payment.charged_back and payment.look_at is None

    await eventually(is_left_alone)
    assert (await purchase.payment()).problem is not None
    assert await purchase.statuses() == ["refund-pending"]


@pytest.mark.usefixtures("webhooks")
async def test_what_an_operator_gives_back_at_stripe_itself_is_noted_and_told(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient
) -> None:
    paid = (await purchase.pay()).json()
    async with stripe._client() as http:
        form = {"payment_intent": paid["stripeId"], "amount": "1000"}
        (await http.post("/v1/refunds", data=form)).raise_for_status()
        await eventually(lambda: nothing_waits(stripe))
        assert await purchase.statuses() == ["succeeded"]
        (
            await http.post("/v1/refunds", data={"payment_intent": paid["stripeId"]})
        ).raise_for_status()

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "given back by the market"


async def nothing_waits(stripe: StripeStandInClient) -> bool:
    return await stripe.deliveries(state="pending") == []


async def test_an_operators_refund_gives_back_what_is_left_and_no_more(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, given_back: Any
) -> None:
    paid = (await purchase.pay()).json()
    async with stripe._client() as http:
        form = {"payment_intent": paid["stripeId"], "amount": "1000"}
        (await http.post("/v1/refunds", data=form)).raise_for_status()

    await rules.refund(purchase.order.id, "the concert is off")

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "the concert is off"
    assert await given_back(purchase) == [1500]


async def test_a_reason_that_is_longer_than_stripe_keeps_is_no_obstacle(
    payments: RunningService, purchase: Any, given_back: Any
) -> None:
    await purchase.pay()
    reason = "the concert is off, " * 30

    await rules.refund(purchase.order.id, reason)

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == reason
    assert await given_back(purchase) == [2500]


async def test_a_charge_that_was_given_back_before_we_knew_of_it_is_refunded_here_too(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any, later: Any
) -> None:
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMING)
    assert (await purchase.pay()).status_code == 503
    assert await charged(purchase) == [2500]
    form = {"payment_intent": (await purchase.payment()).stripe_id}
    async with stripe._client() as http:
        (await http.post("/v1/refunds", data=form)).raise_for_status()

    await later()

    await payments.bus.published(PaymentRefunded)
    assert await purchase.statuses() == ["refunded"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_many_operators_at_once_refund_once(
    payments: RunningService, purchase: Any, given_back: Any
) -> None:
    await purchase.pay()

    ends = await asyncio.gather(
        *(rules.refund(purchase.order.id, "the concert is off") for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(end, Payment) for end in ends) == 1
    await payments.bus.published(PaymentRefunded)
    assert await given_back(purchase) == [2500]


@pytest.mark.usefixtures("payments")
async def test_what_was_not_paid_is_not_refunded(purchase: Any) -> None:
    with pytest.raises(NotFound):
        await rules.refund(new_id(), "why not")
    await purchase.pay("tok_chargeDeclined")
    with pytest.raises(NotRefundable):
        await rules.refund(purchase.order.id, "why not")
    await purchase.pay()
    await rules.refund(purchase.order.id, "the concert is off")
    with pytest.raises(NotRefundable):
        await rules.refund(purchase.order.id, "once more")


async def test_a_charge_for_an_order_that_another_charge_has_paid_is_refunded(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    charged: Any,
    given_back: Any,
) -> None:
    """It takes somebody at Stripe who pays by hand an intent that was given up for lost."""
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay()
    (_, failed) = await purchase.payments()
    async with stripe._client() as http:
        form = {"payment_method": "pm_card_visa"}
        path = f"/v1/payment_intents/{failed['stripeId']}/confirm"
        (await http.post(path, data=form)).raise_for_status()
    assert await charged(purchase) == [2500, 2500]

    await note_what_stripe_says(failed["id"])

    (refunded,) = await payments.bus.published(PaymentRefunded)
    assert refunded.reason == "the order had been paid already"
    assert await given_back(purchase) == [2500]
    assert await purchase.statuses() == ["succeeded", "refunded"]


async def test_a_charge_that_was_given_back_hides_no_other_from_an_operator(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, given_back: Any
) -> None:
    """The first try is paid at Stripe by hand while the second waits for the buyer."""
    await purchase.pay("tok_chargeDeclined")
    await purchase.pay("pm_card_threeDSecure2Required")
    (waiting, failed) = await purchase.payments()
    async with stripe._client() as http:
        form = {"payment_method": "pm_card_visa"}
        path = f"/v1/payment_intents/{failed['stripeId']}/confirm"
        (await http.post(path, data=form)).raise_for_status()
    await note_what_stripe_says(failed["id"])
    await eventually(lambda: has_come_to(purchase, "needs-confirmation", "succeeded"))
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    await note_what_stripe_says(waiting["id"])
    await eventually(lambda: has_come_to(purchase, "refunded", "succeeded"))

    await rules.refund(purchase.order.id, "the concert is off")

    await eventually(lambda: has_come_to(purchase, "refunded", "refunded"))
    assert await given_back(purchase) == [2500, 2500]


@transactional
async def note_what_stripe_says(payment_id: str) -> None:
    payment = await Payment.get(payment_id)
    assert payment is not None
    await rules.look_now(payment.id)
