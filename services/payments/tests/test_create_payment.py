"""POST /api/payments: each response, in the order of checks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from services.payments.tests.responses import error_of

from payments.domain.documents import Order, Payment
from payments.stripe.buyer_messages import MESSAGES, NOT_READ
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

NOT_SIGNED_IN = {"errors": [{"code": "not_signed_in", "message": "Not authorized"}]}


async def test_create_payment_charges_once_and_publishes(
    payments: RunningService, purchase: Any, charged_amounts: Any
) -> None:
    response = await purchase.pay()

    assert response.status_code == 201
    payment = response.json()
    assert set(payment) == {"id", "orderId", "stripeId"}
    assert payment["orderId"] == purchase.order.id
    assert payment["stripeId"].startswith("pi_")
    assert await charged_amounts(purchase) == [2500]
    (started,) = await payments.bus.published(PaymentStarted)
    (created,) = await payments.bus.published(PaymentCreated)
    assert (started.id, started.order_id) == (payment["id"], payment["orderId"])
    data = created.model_dump(by_alias=True)
    assert data == {**payment, "version": data["version"]}


async def test_create_payment_accepts_a_payment_method(purchase: Any, charged_amounts: Any) -> None:
    assert (await purchase.pay("pm_card_mastercard")).status_code == 201
    assert await charged_amounts(purchase) == [2500]


@pytest.mark.parametrize(
    ("price", "cents"),
    [(19.99, 1999), (0.5, 50), (1.1, 110), (25, 2500), (4.35, 435), (999999.99, 99999999)],
)
async def test_create_payment_charges_the_exact_price(
    buy: Any, charged_amounts: Any, price: float, cents: int
) -> None:
    purchase = await buy(ticket={"id": new_id(), "title": "Concert", "price": price})
    assert (await purchase.pay()).status_code == 201
    assert await charged_amounts(purchase) == [cents]


async def test_create_payment_omits_a_receipt_address_that_stripe_refuses(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged_amounts: Any
) -> None:
    user = purchase.user.model_copy(update={"email": "ann@intranet"})
    with_address = replace(purchase, buyer=await payments.client(user))

    paid = await with_address.pay()

    assert paid.status_code == 201
    assert await charged_amounts(purchase) == [2500]
    intent = await stripe.get(f"/v1/payment_intents/{paid.json()['stripeId']}")
    assert intent["receipt_email"] is None


async def test_create_payment_describes_the_charge(purchase: Any, stripe: StandInClient) -> None:
    paid = (await purchase.pay()).json()

    intent = await stripe.get(f"/v1/payment_intents/{paid['stripeId']}")

    assert intent["currency"] == "usd"
    assert intent["description"] == f"Concert (order {purchase.order.id})"
    suffix = intent["statement_descriptor_suffix"]
    assert suffix == f"ORD {purchase.order.id[-6:].upper()}"
    assert len(f"{'A PREFIX X'}* {suffix}") <= 22, "with any account prefix of up to 10 characters"
    assert intent["receipt_email"] == purchase.user.email
    assert intent["metadata"] == {
        "payment_id": paid["id"],
        "order_id": purchase.order.id,
        "ticket_id": purchase.order.ticket.id,
        "user_id": purchase.user.id,
    }


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("tok_chargeDeclined", "Your card was declined."),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "Your card has insufficient funds."),
        ("pm_card_chargeDeclinedExpiredCard", "Your card has expired."),
    ],
)
async def test_create_payment_returns_402_for_a_declined_card_and_allows_another_one(
    payments: RunningService, purchase: Any, charged_amounts: Any, token: str, message: str
) -> None:
    assert error_of(await purchase.pay(token)) == (402, "payment_declined", message)
    assert await charged_amounts(purchase) == []
    (failed,) = await payments.bus.published(PaymentFailed)
    assert failed.order_id == purchase.order.id

    assert (await purchase.pay("tok_visa")).status_code == 201
    assert await charged_amounts(purchase) == [2500]
    started = await payments.bus.published(PaymentStarted, 2)
    assert started[0].id == failed.id
    assert started[1].id != failed.id


async def test_create_payment_returns_400_for_an_unknown_token_and_allows_another_one(
    purchase: Any, charged_amounts: Any
) -> None:
    response = await purchase.pay("tok_nonesuch")
    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "code": "invalid_token",
                "message": NOT_READ,
                "field": "token",
            }
        ]
    }
    assert (await purchase.pay()).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_create_payment_returns_400_without_a_field_for_a_price_that_stripe_refuses(
    buy: Any,
) -> None:
    purchase = await buy(ticket={"id": new_id(), "title": "Cheap", "price": 0.1})
    response = await purchase.pay()
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["code"] == "payment_failed"
    assert error["message"] == MESSAGES["amount_too_small"]
    assert "field" not in error


async def test_create_payment_returns_401_without_a_session_for_any_body(
    payments: RunningService,
) -> None:
    signed_out = await payments.client()
    for body in ({}, {"orderId": "x"}, {"orderId": new_id(), "token": "tok_visa"}):
        response = await signed_out.post("/api/payments", json=body)
        assert (response.status_code, response.json()) == (401, NOT_SIGNED_IN)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("orderId", "missing"), ("token", "missing")]),
        ({"orderId": "12", "token": "tok_visa"}, [("orderId", "invalid_id")]),
        (
            {"orderId": {"$ne": 1}, "token": ["tok_visa"]},
            [("orderId", "invalid_id"), ("token", "string_type")],
        ),
        ({"orderId": "a" * 24, "token": ""}, [("token", "string_too_short")]),
        ({"orderId": "a" * 24, "token": "tok visa"}, [("token", "string_pattern_mismatch")]),
        ({"orderId": "a" * 24, "token": "tok_visa\n"}, [("token", "string_pattern_mismatch")]),
        ({"orderId": "a" * 24, "token": "t" * 256}, [("token", "string_too_long")]),
    ],
)
async def test_create_payment_returns_400_for_each_invalid_field(
    payments: RunningService, body: Any, errors: list[tuple[str, str]]
) -> None:
    buyer = await payments.client(new_user())
    response = await buyer.post("/api/payments", json=body)
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == errors


async def test_create_payment_returns_413_for_a_body_over_64_kib(payments: RunningService) -> None:
    buyer = await payments.client(new_user())
    body = {"orderId": new_id(), "token": "t" * 65 * 1024}
    response = await buyer.post("/api/payments", json=body)
    assert error_of(response)[:2] == (413, "body_too_large")


async def test_create_payment_returns_404_for_an_unknown_order(payments: RunningService) -> None:
    buyer = await payments.client(new_user())
    body = {"orderId": new_id(), "token": "tok_visa"}
    response = await buyer.post("/api/payments", json=body)
    assert error_of(response) == (404, "not_found", "Not found")


async def test_create_payment_returns_401_for_the_order_of_another_user_in_any_state(
    payments: RunningService, purchase: Any, charged_amounts: Any
) -> None:
    other = await payments.client(new_user())
    body = {"orderId": purchase.order.id, "token": "tok_visa"}
    for _ in range(2):
        response = await other.post("/api/payments", json=body)
        assert error_of(response) == (401, "not_owner", "Not authorized")
        assert len(await charged_amounts(purchase)) < 2
        await purchase.pay()


async def test_create_payment_refuses_an_expired_order(buy: Any, charged_amounts: Any) -> None:
    purchase = await buy(expires_at=utc_now() - timedelta(milliseconds=1))
    error = error_of(await purchase.pay())
    assert error == (400, "order_expired", "The order has expired")
    assert await charged_amounts(purchase) == []


@pytest.mark.parametrize(
    ("event", "code", "message"),
    [
        (OrderCancelled, "order_cancelled", "Cannot pay for a cancelled order"),
        (OrderCompleted, "order_paid", "The order is paid already"),
    ],
)
async def test_create_payment_refuses_an_order_that_has_ended(
    purchase: Any, charged_amounts: Any, publish: Any, event: Any, code: str, message: str
) -> None:
    status = "cancelled" if event is OrderCancelled else "complete"
    await publish(new_event(event, id=purchase.order.id, version=1, status=status))

    assert error_of(await purchase.pay()) == (400, code, message)
    assert await charged_amounts(purchase) == []


async def test_create_payment_refuses_an_order_that_is_paid(
    purchase: Any, charged_amounts: Any
) -> None:
    assert (await purchase.pay()).status_code == 201
    error = error_of(await purchase.pay("tok_mastercard"))
    assert error == (400, "order_paid", "The order is paid already")
    assert await charged_amounts(purchase) == [2500]


async def test_create_payment_keeps_no_token_of_an_ended_payment(buy: Any) -> None:
    for token in ("tok_visa", "tok_chargeDeclined", "tok_nonesuch"):
        await (await buy()).pay(token)
    assert await Order.count() == 3
    for payment in await Payment.find_all().to_list():
        assert (payment.token, payment.receipt_email) == (None, None)
