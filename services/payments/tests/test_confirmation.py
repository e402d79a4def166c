"""Confirmation: the bank asks the buyer (3-D Secure), who confirms, refuses or does nothing."""

import asyncio
from typing import Any

import pytest
from services.payments.tests.interleaving import pause_after
from services.payments.tests.responses import assert_payment_unknown, error_of

from payments.domain.documents import Payment
from payments.stripe.buyer_messages import NOT_CONFIRMED
from payments.stripe.client import StripeClient
from ticketing_common.events import PaymentCreated, PaymentFailed
from ticketing_testing import RunningService, eventually, new_id, new_user
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CARD = "pm_card_threeDSecure2Required"
PAID_ALREADY = (400, "order_paid", "The order is paid already")


async def intent_of(purchase: Any) -> str:
    """Return the intent of the latest attempt."""
    intent: str = (await purchase.payments())[0]["stripeId"]
    return intent


async def test_confirmation_is_a_202_with_the_client_secret(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    response = await purchase.pay(CARD)

    assert response.status_code == 202
    assert set(response.json()) == {"id", "orderId", "clientSecret"}
    (waiting,) = await purchase.payments()
    assert waiting["status"] == "needs-confirmation"
    intent = await stripe.get(f"/v1/payment_intents/{waiting['stripeId']}")
    assert response.json()["clientSecret"] == intent["client_secret"]
    assert await charged_amounts(purchase) == []
    assert await payments.bus.published(PaymentFailed, 0) == []


async def test_confirmation_secret_is_not_stored_and_hidden_from_other_users(
    payments: RunningService, purchase: Any
) -> None:
    created = (await purchase.pay(CARD, **{"Idempotency-Key": "one"})).json()
    other = await payments.client(new_user())

    refused = await other.get(f"/api/payments/{created['id']}")

    assert error_of(refused)[:2] == (401, "not_owner")
    database = Payment.get_pymongo_collection().database
    for name in await database.list_collection_names():
        async for row in database[name].find():
            assert created["clientSecret"] not in str(row), name


async def test_confirmation_is_found_by_reading_the_payment_without_a_webhook(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    waiting = (await purchase.pay(CARD)).json()
    before = (await purchase.buyer.get(f"/api/payments/{waiting['id']}")).json()
    assert (before["status"], before["clientSecret"]) == (
        "needs-confirmation",
        waiting["clientSecret"],
    )
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    after = (await purchase.buyer.get(f"/api/payments/{waiting['id']}")).json()

    assert (after["status"], after["clientSecret"]) == ("succeeded", None)
    assert (after["price"], after["currency"]) == (25, "usd")
    (created,) = await payments.bus.published(PaymentCreated)
    assert created.id == waiting["id"]
    assert await charged_amounts(purchase) == [2500]


@pytest.mark.usefixtures("webhooks")
async def test_confirmation_completes_by_webhook_alone(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    await purchase.pay(CARD)
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    (created,) = await payments.bus.published(PaymentCreated)

    assert created.order_id == purchase.order.id
    assert await charged_amounts(purchase) == [2500]


@pytest.mark.usefixtures("webhooks")
async def test_confirmation_refused_by_the_buyer_allows_another_card(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    await purchase.pay(CARD)
    declined = await intent_of(purchase)
    await stripe.set_outcome("payment_intents", declined, "fail")
    await payments.bus.published(PaymentFailed)
    (failed,) = await purchase.payments()
    assert failed["status"] == "failed"
    assert failed["message"] == NOT_CONFIRMED
    # The browser has the client secret, and could have used another card with it.
    assert (await stripe.get(f"/v1/payment_intents/{declined}"))["status"] == "canceled"

    assert (await purchase.pay()).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_confirmation_is_replaced_by_another_card_in_another_tab(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    await purchase.pay(CARD)
    first = await intent_of(purchase)

    second = await purchase.pay("pm_card_mastercard")

    assert second.status_code == 201
    assert (await stripe.get(f"/v1/payment_intents/{first}"))["status"] == "canceled"
    assert await purchase.statuses() == ["succeeded", "failed"]
    assert await charged_amounts(purchase) == [2500]
    (failed,) = await payments.bus.published(PaymentFailed)
    assert failed.order_id == purchase.order.id


async def test_confirmation_replaced_by_two_tabs_is_a_409_in_the_slower_one(
    purchase: Any, charged_amounts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it has cancelled the first payment, another one awaits confirmation."""
    await purchase.pay(CARD)
    async with pause_after(monkeypatch, StripeClient, "cancel_intent") as paused:
        slower = asyncio.create_task(purchase.pay("pm_card_mastercard"))
        await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)

        faster = await purchase.pay(CARD)

    assert faster.status_code == 202
    assert error_of(await slower)[:2] == (409, "payment_in_progress")
    assert await purchase.statuses() == ["needs-confirmation", "failed"]
    assert await charged_amounts(purchase) == []


async def test_confirmation_in_one_tab_refuses_a_second_charge_in_another(
    purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    await purchase.pay(CARD)
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")

    second = await purchase.pay("pm_card_mastercard")

    assert error_of(second) == PAID_ALREADY
    assert await charged_amounts(purchase) == [2500]


async def test_confirmation_and_other_cards_at_once_make_one_charge(
    purchase: Any, charged_amounts: Any
) -> None:
    responses = await asyncio.gather(
        *(purchase.pay(token) for token in [CARD, "tok_visa"] * 4), purchase.pay(CARD)
    )
    assert {response.status_code for response in responses} <= {201, 202, 400, 409}
    if await charged_amounts(purchase) == []:
        assert (await purchase.pay()).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_confirmation_is_repeated_for_the_same_idempotency_key(purchase: Any) -> None:
    key = {"Idempotency-Key": "one"}
    first, second = await purchase.pay(CARD, **key), await purchase.pay(CARD, **key)
    assert (second.status_code, second.json()) == (202, first.json())
    assert len(await purchase.payments()) == 1


async def test_confirmation_that_never_comes_is_cancelled_at_the_end_of_the_time(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    poll_payments: Any,
    end_payment_time: Any,
) -> None:
    await purchase.pay(CARD)
    await poll_payments()
    await eventually(lambda: was_polled(purchase))
    assert await purchase.statuses() == ["needs-confirmation"]

    await end_payment_time()

    await payments.bus.published(PaymentFailed)
    intent = await stripe.get(f"/v1/payment_intents/{await intent_of(purchase)}")
    assert intent["status"] == "canceled"
    (failed,) = await purchase.payments()
    assert failed["message"] == "The payment was not confirmed in time."


async def was_polled(purchase: Any) -> bool:
    payment = await Payment.find_one({"order_id": purchase.order.id})
    return payment is not None and payment.polls > 0


@pytest.mark.parametrize("confirmed", [False, True])
async def test_confirmation_of_a_cancelled_order_costs_nothing(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    cancel_order: Any,
    charged_amounts: Any,
    refunded_amounts: Any,
    confirmed: bool,
) -> None:
    await purchase.pay(CARD)
    intent = await intent_of(purchase)
    if confirmed:  # and the webhook has not arrived yet
        await stripe.set_outcome("payment_intents", intent, "succeed")
    await cancel_order(purchase, "cancelled-by-buyer")

    if confirmed:
        await eventually(lambda: has_statuses(purchase, ["refunded"]))
        assert await refunded_amounts(purchase) == await charged_amounts(purchase) == [2500]
    else:
        await payments.bus.published(PaymentFailed)
        assert (await stripe.get(f"/v1/payment_intents/{intent}"))["status"] == "canceled"


async def has_statuses(purchase: Any, statuses: list[str]) -> bool:
    return bool(await purchase.statuses() == statuses)


@pytest.mark.usefixtures("webhooks")
async def test_confirmation_that_the_bank_processes_is_a_503_until_it_has_succeeded(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged_amounts: Any
) -> None:
    assert_payment_unknown(await purchase.pay("pm_card_standInProcessing"))
    await stripe.set_outcome("payment_intents", await intent_of(purchase), "succeed")
    await payments.bus.published(PaymentCreated)
    assert await charged_amounts(purchase) == [2500]


async def test_get_payment_checks_session_form_existence_and_owner_in_this_order(
    payments: RunningService, purchase: Any
) -> None:
    signed_out, other = await payments.client(), await payments.client(new_user())
    paid = (await purchase.pay()).json()["id"]
    order = purchase.order.id
    for client, path, status, code in [
        (signed_out, "/api/payments/x", 401, "not_signed_in"),
        (signed_out, "/api/payments?orderId=x", 401, "not_signed_in"),
        (other, "/api/payments/x", 400, "invalid_id"),
        (other, "/api/payments", 400, "missing"),
        (other, "/api/payments?orderId=x", 400, "invalid_id"),
        (other, f"/api/payments/{new_id()}", 404, "not_found"),
        (other, f"/api/payments?orderId={new_id()}", 404, "not_found"),
        (other, f"/api/payments/{paid}", 401, "not_owner"),
        (other, f"/api/payments?orderId={order}", 401, "not_owner"),
    ]:
        assert error_of(await client.get(path))[:2] == (status, code), path
    for path in (f"/api/payments/{paid}", f"/api/payments?orderId={order}"):
        assert (await purchase.buyer.get(path)).status_code == 200, path


async def test_get_payment_returns_503_while_stripe_is_unavailable(
    purchase: Any, stripe: StripeStandInClient
) -> None:
    waiting = (await purchase.pay(CARD)).json()
    await stripe.add_fault("drop", times=100)
    assert_payment_unknown(await purchase.buyer.get(f"/api/payments/{waiting['id']}"))
