"""A bank that asks the buyer first: 202, and then whatever the buyer does, or does not."""

import asyncio
from typing import Any

import pytest
from services.payments.tests.transactions import held_open

from payments.domain.documents import Payment
from payments.stripe.client import Gateway
from ticketing_common.events import PaymentCreated, PaymentFailed
from ticketing_testing import RunningService, eventually, new_id, new_user
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CARD = "pm_card_threeDSecure2Required"


async def intent_of(purchase: Any) -> str:
    name: str = (await purchase.payments())[0]["stripeId"]
    return name


async def test_a_bank_that_asks_the_buyer_is_a_202_with_the_secret_to_confirm_by(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    answer = await purchase.pay(CARD)

    assert answer.status_code == 202
    assert set(answer.json()) == {"id", "orderId", "clientSecret"}
    (waiting,) = await purchase.payments()
    assert waiting["status"] == "needs-confirmation"
    intent = await stripe.get(f"/v1/payment_intents/{waiting['stripeId']}")
    assert answer.json()["clientSecret"] == intent["client_secret"]
    assert await charged(purchase) == []
    assert await payments.bus.published(PaymentFailed, 0) == []


async def test_the_secret_is_not_kept_and_given_to_nobody_else(
    payments: RunningService, purchase: Any
) -> None:
    answer = (await purchase.pay(CARD, **{"Idempotency-Key": "one"})).json()
    other = await payments.client(new_user())

    refused = await other.get(f"/api/payments/{answer['id']}")

    assert refused.status_code == 401
    kept = Payment.get_pymongo_collection().database
    for name in await kept.list_collection_names():
        async for row in kept[name].find():
            assert answer["clientSecret"] not in str(row), name


async def test_whoever_comes_back_from_the_bank_is_told_how_it_went_without_a_webhook(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    waiting = (await purchase.pay(CARD)).json()
    before = (await purchase.buyer.get(f"/api/payments/{waiting['id']}")).json()
    assert (before["status"], before["clientSecret"]) == (
        "needs-confirmation",
        waiting["clientSecret"],
    )
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    shown = (await purchase.buyer.get(f"/api/payments/{waiting['id']}")).json()

    assert (shown["status"], shown["clientSecret"]) == ("succeeded", None)
    assert (shown["price"], shown["currency"]) == (25, "usd")
    (created,) = await payments.bus.published(PaymentCreated)
    assert created.id == waiting["id"]
    assert await charged(purchase) == [2500]


@pytest.mark.usefixtures("webhooks")
async def test_a_webhook_alone_completes_a_payment_whose_browser_went_away(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    await purchase.pay(CARD)
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    (created,) = await payments.bus.published(PaymentCreated)

    assert created.order_id == purchase.order.id
    assert await charged(purchase) == [2500]


@pytest.mark.usefixtures("webhooks")
async def test_a_buyer_who_says_no_may_pay_with_another_card(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    await purchase.pay(CARD)
    declined = await intent_of(purchase)
    await stripe.set_outcome("payment_intents", declined, "fail")
    await payments.bus.published(PaymentFailed)
    (failed,) = await purchase.payments()
    assert failed["status"] == "failed"
    assert "authentication" in failed["message"]
    # The browser has the intent's secret, and could have paid by it with another card.
    assert (await stripe.get(f"/v1/payment_intents/{declined}"))["status"] == "canceled"

    assert (await purchase.pay()).status_code == 201
    assert await charged(purchase) == [2500]


async def test_another_card_in_another_tab_takes_the_place_of_what_waits_for_the_buyer(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    await purchase.pay(CARD)
    first = await intent_of(purchase)

    second = await purchase.pay("pm_card_mastercard")

    assert second.status_code == 201
    assert (await stripe.get(f"/v1/payment_intents/{first}"))["status"] == "canceled"
    assert await purchase.statuses() == ["succeeded", "failed"]
    assert await charged(purchase) == [2500]
    (failed,) = await payments.bus.published(PaymentFailed)
    assert failed.order_id == purchase.order.id


async def test_of_two_tabs_that_replace_the_same_payment_at_once_the_slower_is_a_409(
    purchase: Any, charged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that it has cancelled the first payment, another one waits for the buyer."""
    await purchase.pay(CARD)
    async with held_open(monkeypatch, Gateway, "cancel") as there:
        slower = asyncio.create_task(purchase.pay("pm_card_mastercard"))
        await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)

        faster = await purchase.pay(CARD)

    assert faster.status_code == 202
    assert (await slower).status_code == 409
    assert await purchase.statuses() == ["needs-confirmation", "failed"]
    assert await charged(purchase) == []


async def test_a_buyer_who_confirmed_in_one_tab_is_not_charged_in_the_other(
    purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    await purchase.pay(CARD)
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    second = await purchase.pay("pm_card_mastercard")

    assert (second.status_code, second.json()["errors"][0]["message"]) == (
        400,
        "The order is paid already",
    )
    assert await charged(purchase) == [2500]


async def test_two_tabs_that_pay_at_once_make_one_charge_whatever_the_bank_asks(
    purchase: Any, charged: Any
) -> None:
    answers = await asyncio.gather(
        *(purchase.pay(token) for token in [CARD, "tok_visa"] * 4), purchase.pay(CARD)
    )
    assert {answer.status_code for answer in answers} <= {201, 202, 400, 409}
    if await charged(purchase) == []:
        assert (await purchase.pay()).status_code == 201
    assert await charged(purchase) == [2500]


async def test_the_same_request_again_is_given_the_same_payment_to_confirm(
    purchase: Any, charged: Any
) -> None:
    key = {"Idempotency-Key": "one"}
    first, second = await purchase.pay(CARD, **key), await purchase.pay(CARD, **key)
    assert (second.status_code, second.json()) == (202, first.json())
    assert len(await purchase.payments()) == 1


async def test_a_payment_that_nobody_confirms_is_cancelled_at_stripe_when_its_time_is_over(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, later: Any, too_late: Any
) -> None:
    await purchase.pay(CARD)
    await later()
    await eventually(lambda: looked_at(purchase))
    assert await purchase.statuses() == ["needs-confirmation"]

    await too_late()

    await payments.bus.published(PaymentFailed)
    intent = await stripe.get(f"/v1/payment_intents/{await intent_of(purchase)}")
    assert intent["status"] == "canceled"
    (failed,) = await purchase.payments()
    assert failed["message"] == "The payment was not confirmed in time."


async def looked_at(purchase: Any) -> bool:
    payment = await Payment.find_one({"order_id": purchase.order.id})
    return payment is not None and payment.looks > 0


@pytest.mark.parametrize("confirmed", [False, True])
async def test_an_order_that_is_cancelled_while_the_bank_asks_costs_nothing(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel: Any,
    charged: Any,
    given_back: Any,
    confirmed: bool,
) -> None:
    await purchase.pay(CARD)
    intent = await intent_of(purchase)
    if confirmed:  # and Stripe's word of it has not come yet
        await stripe.set_outcome("payment_intents", intent, "succeed")
    await cancel(purchase, "cancelled-by-buyer")

    if confirmed:
        await eventually(lambda: is_now(purchase, ["refunded"]))
        assert await given_back(purchase) == await charged(purchase) == [2500]
    else:
        await payments.bus.published(PaymentFailed)
        assert (await stripe.get(f"/v1/payment_intents/{intent}"))["status"] == "canceled"


async def is_now(purchase: Any, statuses: list[str]) -> bool:
    return bool(await purchase.statuses() == statuses)


@pytest.mark.usefixtures("webhooks")
async def test_a_bank_that_takes_its_time_is_a_503_and_then_whatever_it_says(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    answer = await purchase.pay("pm_card_standInProcessing")
    assert answer.status_code == 503
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")
    await payments.bus.published(PaymentCreated)
    assert await charged(purchase) == [2500]


async def test_how_a_payment_stands_is_asked_in_the_order_of_checks(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient
) -> None:
    nobody, other = await payments.client(), await payments.client(new_user())
    paid = (await purchase.pay()).json()["id"]
    order = purchase.order.id
    for who, path, status in [
        (nobody, "/api/payments/x", 401),
        (nobody, "/api/payments?orderId=x", 401),
        (other, "/api/payments/x", 400),
        (other, "/api/payments", 400),
        (other, "/api/payments?orderId=x", 400),
        (other, f"/api/payments/{new_id()}", 404),
        (other, f"/api/payments?orderId={new_id()}", 404),
        (other, f"/api/payments/{paid}", 401),
        (other, f"/api/payments?orderId={order}", 401),
        (purchase.buyer, f"/api/payments/{paid}", 200),
        (purchase.buyer, f"/api/payments?orderId={order}", 200),
    ]:
        assert (await who.get(path)).status_code == status, path


async def test_while_stripe_is_away_nobody_is_told_a_guess(
    purchase: Any, stripe: StripeStandInClient
) -> None:
    waiting = (await purchase.pay(CARD)).json()
    await stripe.add_fault("drop", times=100)
    answer = await purchase.buyer.get(f"/api/payments/{waiting['id']}")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
