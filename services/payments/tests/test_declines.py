"""Limits of declined cards: a stolen one must not be found by trying."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from services.payments.tests.conftest import Buy, Purchase
from services.payments.tests.responses import error_of

from payments.app import create_app
from payments.domain.documents import Payment
from payments.handlers import listeners
from payments.settings import PaymentsSettings
from ticketing_common.events import OrderCreated
from ticketing_testing import RunningService, TestEnvironment, new_event

DECLINED = "tok_chargeDeclined"


@pytest.fixture
async def payments(
    environment: TestEnvironment, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    limits = {"limit_attempts_by_order": 3, "limit_declines_by_account": "4 per hour"}
    async with environment.serve(create_app(PaymentsSettings(**settings | limits))) as service:
        yield service


async def decline(purchase: Purchase, times: int) -> None:
    for _ in range(times):
        assert (await purchase.pay(DECLINED)).status_code == 402


async def another_order(payments: RunningService, purchase: Purchase) -> Purchase:
    """Place another order of the same buyer."""
    order = new_event(OrderCreated, user_id=purchase.user.id)
    await payments.bus.publish(order)
    await payments.bus.wait_until_handled(listeners)
    return Purchase(order, purchase.user, purchase.buyer)


async def test_attempts_to_pay_an_order_are_limited(purchase: Purchase) -> None:
    await decline(purchase, 3)

    refused = await purchase.pay()

    assert refused.status_code == 429
    assert error_of(refused)[1] == "too_many_attempts"
    assert int(refused.headers["Retry-After"]) > 0
    assert await Payment.find({"order_id": purchase.order.id}).count() == 3


async def test_attempts_of_another_order_are_not_limited(
    payments: RunningService, purchase: Purchase
) -> None:
    await decline(purchase, 3)

    assert (await (await another_order(payments, purchase)).pay()).status_code == 201


async def test_declines_of_an_account_are_limited_over_its_orders(
    payments: RunningService, purchase: Purchase, buy: Buy
) -> None:
    await decline(purchase, 2)
    await decline(await another_order(payments, purchase), 2)
    third = await another_order(payments, purchase)

    refused = await third.pay()

    assert refused.status_code == 429
    assert error_of(refused)[1] == "rate_limited"
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert await Payment.find({"order_id": third.order.id}).count() == 0
    assert (await (await buy()).pay()).status_code == 201


async def test_success_is_no_decline(payments: RunningService, purchase: Purchase) -> None:
    await decline(purchase, 2)
    assert (await purchase.pay()).status_code == 201

    for _ in range(2):
        assert (await (await another_order(payments, purchase)).pay()).status_code == 201
