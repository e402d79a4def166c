"""OrderOverdue: orders asks whether an order will still be paid, payments answers for good."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from services.payments.tests.interleaving import pause_after
from services.payments.tests.responses import error_of

from payments.domain import attempts, order_end, outcomes
from ticketing_common.events import OrderOverdue, PaymentCreated, PaymentFailed, PaymentMissed
from ticketing_common.persistence import outbox
from ticketing_testing import RunningService, eventually, new_event
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

NEEDS_CONFIRMATION = "pm_card_threeDSecure2Required"

PublishOverdue = Callable[..., Awaitable[None]]
Call = Callable[[], Awaitable[Any]]


@pytest.fixture
def publish_overdue(publish: Any) -> PublishOverdue:
    """A function that publishes OrderOverdue for a purchase."""

    async def publish_event(purchase: Any, version: int = 1) -> None:
        order_id = purchase.order.id
        await publish(new_event(OrderOverdue, id=order_id, version=version, status="created"))

    return publish_event


@pytest.fixture
def missed_orders(payments: RunningService) -> Callable[[], Awaitable[list[str]]]:
    """A function that returns the orders of all PaymentMissed, once the outbox is empty."""

    async def is_outbox_empty() -> bool:
        return await outbox.rows().count_documents({}) == 0

    async def orders() -> list[str]:
        await eventually(is_outbox_empty)
        return [event.order_id for event in await payments.bus.published(PaymentMissed, 0)]

    return orders


async def test_order_overdue_without_a_payment_is_missed(
    purchase: Any, publish_overdue: PublishOverdue, missed_orders: Any
) -> None:
    await publish_overdue(purchase)
    assert await missed_orders() == [purchase.order.id]


async def test_order_overdue_after_a_decline_is_missed(
    purchase: Any, publish_overdue: PublishOverdue, missed_orders: Any
) -> None:
    assert error_of(await purchase.pay("tok_chargeDeclined"))[:2] == (402, "payment_declined")
    assert await missed_orders() == []

    await publish_overdue(purchase)

    assert await missed_orders() == [purchase.order.id]


async def test_order_overdue_after_a_payment_is_not_missed(
    purchase: Any, publish_overdue: PublishOverdue, missed_orders: Any
) -> None:
    assert (await purchase.pay()).status_code == 201

    await publish_overdue(purchase)

    assert await missed_orders() == []
    assert await purchase.statuses() == ["succeeded"]


async def test_order_overdue_during_a_payment_waits_for_its_success(
    payments: RunningService,
    purchase: Any,
    publish_overdue: PublishOverdue,
    missed_orders: Any,
    stripe: StripeStandInClient,
    poll_payments: Any,
) -> None:
    assert (await purchase.pay(NEEDS_CONFIRMATION)).status_code == 202
    await publish_overdue(purchase)

    intent = (await purchase.payment()).stripe_id
    await stripe.set_outcome("payment_intents", intent, "succeed")
    await poll_payments()

    await payments.bus.published(PaymentCreated)
    assert await missed_orders() == []
    assert await purchase.statuses() == ["succeeded"]


async def test_order_overdue_during_a_payment_is_missed_after_its_failure(
    payments: RunningService,
    purchase: Any,
    publish_overdue: PublishOverdue,
    missed_orders: Any,
    end_payment_time: Any,
) -> None:
    assert (await purchase.pay(NEEDS_CONFIRMATION)).status_code == 202
    await publish_overdue(purchase)
    assert await missed_orders() == []

    await end_payment_time()

    await payments.bus.published(PaymentMissed)
    failed = [event.order_id for event in await payments.bus.published(PaymentFailed)]
    assert failed == await missed_orders()


async def test_order_overdue_refuses_further_payments(
    purchase: Any, publish_overdue: PublishOverdue, charged_amounts: Any
) -> None:
    await publish_overdue(purchase)

    error = error_of(await purchase.pay())

    assert error == (400, "order_expired", "The order has expired")
    assert await charged_amounts(purchase) == []


async def overlap(
    monkeypatch: pytest.MonkeyPatch, owner: tuple[Any, str], first: Call, second: Call
) -> tuple[Any, Any]:
    """Run `second` while the transaction of `first` is paused. Returns both results."""
    async with pause_after(monkeypatch, *owner) as paused:
        earlier = asyncio.ensure_future(first())
        await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)
        later = asyncio.ensure_future(second())
        await asyncio.sleep(0.5)  # the write conflict has no observable effect
    return await asyncio.gather(earlier, later)


@pytest.mark.parametrize("first", ["payment", "overdue"])
async def test_order_overdue_and_a_new_payment_at_the_same_time_see_each_other(
    purchase: Any,
    publish_overdue: PublishOverdue,
    missed_orders: Any,
    charged_amounts: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    """Each transaction reads a document that the other one changes, so the second one reruns."""
    pay, close = purchase.pay, partial(publish_overdue, purchase)
    if first == "payment":
        response, _ = await overlap(monkeypatch, (attempts, "_insert"), pay, close)
    else:
        _, response = await overlap(monkeypatch, (order_end, "publish_if_missed"), close, pay)

    result = response.status_code, await charged_amounts(purchase), await missed_orders()
    assert result in [(201, [2500], []), (400, [], [purchase.order.id])]


@pytest.mark.parametrize("first", ["failure", "overdue"])
async def test_order_overdue_and_a_failure_at_the_same_time_is_missed_once(
    purchase: Any,
    publish_overdue: PublishOverdue,
    missed_orders: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    fail, close = partial(purchase.pay, "tok_chargeDeclined"), partial(publish_overdue, purchase)
    if first == "failure":
        await overlap(monkeypatch, (outcomes, "_fail"), fail, close)
    else:
        await overlap(monkeypatch, (order_end, "publish_if_missed"), close, fail)

    assert await missed_orders() == [purchase.order.id]
