"""POST /api/payments: each answer that it may give."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from payments.domain.documents import Order, Payment
from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    PaymentCreated,
    PaymentFailed,
    PaymentStarted,
    utc_now,
)
from ticketing_testing import RunningService, new_event, new_id, new_user
from ticketing_testing.standins import StandInClient

NOT_AUTHORIZED = {"errors": [{"message": "Not authorized"}]}


def refused(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["message"]


async def test_paying_charges_once_and_is_told(
    payments: RunningService, purchase: Any, charged: Any
) -> None:
    answer = await purchase.pay()

    assert answer.status_code == 201
    payment = answer.json()
    assert set(payment) == {"id", "orderId", "stripeId"}
    assert payment["orderId"] == purchase.order.id
    assert payment["stripeId"].startswith("pi_")
    assert await charged(purchase) == [2500]
    (started,) = await payments.bus.published(PaymentStarted)
    (created,) = await payments.bus.published(PaymentCreated)
    assert (started.id, started.order_id) == (payment["id"], payment["orderId"])
    told = created.model_dump(by_alias=True)
    assert told == {**payment, "version": told["version"]}


async def test_a_payment_method_pays_as_well_as_a_token(purchase: Any, charged: Any) -> None:
    assert (await purchase.pay("pm_card_mastercard")).status_code == 201
    assert await charged(purchase) == [2500]


@pytest.mark.parametrize(
    ("price", "cents"),
    [(19.99, 1999), (0.5, 50), (1.1, 110), (25, 2500), (4.35, 435), (999999.99, 99999999)],
)
async def test_what_is_charged_is_the_price_to_the_cent(
    buy: Any, charged: Any, price: float, cents: int
) -> None:
    purchase = await buy(ticket={"id": new_id(), "title": "Concert", "price": price})
    assert (await purchase.pay()).status_code == 201
    assert await charged(purchase) == [cents]


async def test_an_address_that_stripe_does_not_take_costs_the_receipt_not_the_ticket(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged: Any
) -> None:
    user = purchase.user.model_copy(update={"email": "ann@intranet"})
    theirs = replace(purchase, buyer=await payments.client(user))

    paid = await theirs.pay()

    assert paid.status_code == 201
    assert await charged(purchase) == [2500]
    intent = await stripe.get(f"/v1/payment_intents/{paid.json()['stripeId']}")
    assert intent["receipt_email"] is None


async def test_stripe_is_told_what_the_charge_is_for(purchase: Any, stripe: StandInClient) -> None:
    paid = (await purchase.pay()).json()

    intent = await stripe.get(f"/v1/payment_intents/{paid['stripeId']}")

    assert intent["currency"] == "usd"
    assert intent["description"] == f"Concert (order {purchase.order.id})"
    suffix = intent["statement_descriptor_suffix"]
    assert suffix == f"ORD {purchase.order.id[-6:].upper()}"
    assert len(f"{'A PREFIX X'}* {suffix}") <= 22, "whatever prefix of up to 10 the account has"
    assert intent["receipt_email"] == purchase.user.email
    assert intent["metadata"] == {
        "payment_id": paid["id"],
        "order_id": purchase.order.id,
        "ticket_id": purchase.order.ticket.id,
        "user_id": purchase.user.id,
    }


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("tok_chargeDeclined", "Your card was declined."),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "Your card has insufficient funds."),
        ("pm_card_chargeDeclinedExpiredCard", "Your card has expired."),
    ],
)
async def test_a_declined_card_is_a_402_in_stripes_words_and_another_may_pay(
    payments: RunningService, purchase: Any, charged: Any, token: str, words: str
) -> None:
    assert refused(await purchase.pay(token)) == (402, words)
    assert await charged(purchase) == []
    (failed,) = await payments.bus.published(PaymentFailed)
    assert failed.order_id == purchase.order.id

    assert (await purchase.pay("tok_visa")).status_code == 201
    assert await charged(purchase) == [2500]
    started = await payments.bus.published(PaymentStarted, 2)
    assert started[0].id == failed.id
    assert started[1].id != failed.id


async def test_a_token_that_stripe_does_not_know_is_a_400_and_another_may_pay(
    purchase: Any, charged: Any
) -> None:
    answer = await purchase.pay("tok_nonesuch")
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"message": "No such token: 'tok_nonesuch'", "field": "token"}]
    }
    assert (await purchase.pay()).status_code == 201
    assert await charged(purchase) == [2500]


async def test_a_price_that_stripe_will_not_charge_is_a_400_that_blames_no_field(
    buy: Any, charged: Any
) -> None:
    purchase = await buy(ticket={"id": new_id(), "title": "Cheap", "price": 0.1})
    answer = await purchase.pay()
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert "at least $0.50" in error["message"]
    assert "field" not in error


async def test_whoever_is_not_signed_in_is_a_401_whatever_they_send(
    payments: RunningService,
) -> None:
    stranger = await payments.client()
    for body in ({}, {"orderId": "x"}, {"orderId": new_id(), "token": "tok_visa"}):
        answer = await stranger.post("/api/payments", json=body)
        assert (answer.status_code, answer.json()) == (401, NOT_AUTHORIZED)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["orderId", "token"]),
        ({"orderId": "12", "token": "tok_visa"}, ["orderId"]),
        ({"orderId": {"$ne": 1}, "token": ["tok_visa"]}, ["orderId", "token"]),
        ({"orderId": "a" * 24, "token": ""}, ["token"]),
        ({"orderId": "a" * 24, "token": "tok visa"}, ["token"]),
        ({"orderId": "a" * 24, "token": "tok_visa\n"}, ["token"]),
        ({"orderId": "a" * 24, "token": "t" * 256}, ["token"]),
    ],
)
async def test_an_ill_formed_payment_is_a_400_that_names_each_bad_field(
    payments: RunningService, body: Any, fields: list[str]
) -> None:
    buyer = await payments.client(new_user())
    answer = await buyer.post("/api/payments", json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == fields


async def test_a_body_over_64_kib_is_a_413(payments: RunningService) -> None:
    buyer = await payments.client(new_user())
    body = {"orderId": new_id(), "token": "t" * 65 * 1024}
    assert (await buyer.post("/api/payments", json=body)).status_code == 413


async def test_an_order_that_nobody_made_is_a_404(payments: RunningService) -> None:
    buyer = await payments.client(new_user())
    body = {"orderId": new_id(), "token": "tok_visa"}
    assert refused(await buyer.post("/api/payments", json=body)) == (404, "Not found")


async def test_anothers_order_is_a_401_in_whatever_state_it_is(
    payments: RunningService, purchase: Any, charged: Any
) -> None:
    other = await payments.client(new_user())
    body = {"orderId": purchase.order.id, "token": "tok_visa"}
    for _ in range(2):
        assert refused(await other.post("/api/payments", json=body)) == (401, "Not authorized")
        assert len(await charged(purchase)) < 2
        await purchase.pay()


async def test_an_order_past_its_time_is_not_paid(buy: Any, charged: Any) -> None:
    purchase = await buy(expires_at=utc_now() - timedelta(milliseconds=1))
    assert refused(await purchase.pay()) == (400, "The order has expired")
    assert await charged(purchase) == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (OrderCancelled, "Cannot pay for a cancelled order"),
        (OrderCompleted, "The order is paid already"),
    ],
)
async def test_an_order_that_is_over_is_not_paid(
    payments: RunningService, purchase: Any, charged: Any, said: Any, event: Any, words: str
) -> None:
    status = "cancelled" if event is OrderCancelled else "complete"
    await said(new_event(event, id=purchase.order.id, version=1, status=status))

    assert refused(await purchase.pay()) == (400, words)
    assert await charged(purchase) == []


async def test_an_order_that_was_paid_is_not_paid_again(purchase: Any, charged: Any) -> None:
    assert (await purchase.pay()).status_code == 201
    assert refused(await purchase.pay("tok_mastercard")) == (400, "The order is paid already")
    assert await charged(purchase) == [2500]


async def test_no_token_is_kept_once_its_payment_has_ended(buy: Any) -> None:
    for token in ("tok_visa", "tok_chargeDeclined", "tok_nonesuch"):
        await (await buy()).pay(token)
    assert await Order.count() == 3
    for payment in await Payment.find_all().to_list():
        assert (payment.token, payment.receipt_email) == (None, None)
