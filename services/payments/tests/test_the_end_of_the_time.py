"""Orders asks whether an order is still to be paid. Payments alone knows, and says so for good."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from services.payments.tests.transactions import held_open

from payments.domain import rules
from payments.domain.documents import Payment
from ticketing_common.events import OrderOverdue, PaymentCreated, PaymentFailed, PaymentMissed
from ticketing_common.persistence import outbox
from ticketing_testing import RunningService, eventually, new_event
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

ASKS_THE_BUYER = "pm_card_threeDSecure2Required"

Ask = Callable[..., Awaitable[None]]
Deed = Callable[[], Awaitable[Any]]


@pytest.fixture
def ask(said: Any) -> Ask:
    """Has payments hear that the time of an order is over."""

    async def say_so(purchase: Any, version: int = 1) -> None:
        await said(new_event(OrderOverdue, id=purchase.order.id, version=version, status="created"))

    return say_so


@pytest.fixture
def missed(payments: RunningService) -> Callable[[], Awaitable[list[str]]]:
    """The orders that no payment is to come for, once all that is to be said was."""

    async def all_is_said() -> bool:
        return await outbox.rows().count_documents({}) == 0

    async def orders() -> list[str]:
        await eventually(all_is_said)
        return [event.order_id for event in await payments.bus.published(PaymentMissed, 0)]

    return orders


async def test_that_nobody_has_tried_to_pay_is_said(purchase: Any, ask: Ask, missed: Any) -> None:
    await ask(purchase)
    assert await missed() == [purchase.order.id]


async def test_that_every_card_was_declined_is_said(purchase: Any, ask: Ask, missed: Any) -> None:
    assert (await purchase.pay("tok_chargeDeclined")).status_code == 402
    assert await missed() == []

    await ask(purchase)

    assert await missed() == [purchase.order.id]


async def test_an_order_that_is_paid_is_left_alone(purchase: Any, ask: Ask, missed: Any) -> None:
    assert (await purchase.pay()).status_code == 201

    await ask(purchase)

    assert await missed() == []
    assert await purchase.statuses() == ["succeeded"]


async def test_a_payment_that_is_with_the_bank_is_waited_for(
    payments: RunningService,
    purchase: Any,
    ask: Ask,
    missed: Any,
    stripe: StripeStandInClient,
    later: Any,
) -> None:
    assert (await purchase.pay(ASKS_THE_BUYER)).status_code == 202
    await ask(purchase)

    await stripe.set_outcome("payment_intents", (await purchase.payment()).stripe_id, "succeed")
    await later()

    await payments.bus.published(PaymentCreated)
    assert await missed() == []
    assert await purchase.statuses() == ["succeeded"]


async def test_with_the_failure_of_the_payment_that_was_waited_for_it_is_said_that_none_comes(
    payments: RunningService, purchase: Any, ask: Ask, missed: Any, later: Any, too_late: Any
) -> None:
    assert (await purchase.pay(ASKS_THE_BUYER)).status_code == 202
    await ask(purchase)
    assert await missed() == []

    await later()
    await too_late()

    await payments.bus.published(PaymentMissed)
    assert [
        event.order_id for event in await payments.bus.published(PaymentFailed)
    ] == await missed()


async def test_no_other_payment_begins_by_whichever_clock(
    purchase: Any, ask: Ask, charged: Any
) -> None:
    await ask(purchase)

    refusal = await purchase.pay()

    assert refusal.status_code == 400
    assert refusal.json() == {"errors": [{"message": "The order has expired"}]}
    assert await charged(purchase) == []


async def meet(
    monkeypatch: pytest.MonkeyPatch, held: tuple[Any, str], earlier: Deed, later: Deed
) -> tuple[Any, Any]:
    """What both come to, where the second begins while the first, at `held`, has not committed."""
    async with held_open(monkeypatch, *held) as there:
        first = asyncio.ensure_future(earlier())
        await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)
        second = asyncio.ensure_future(later())
        await asyncio.sleep(0.5)  # until it has met the first, which nothing shows
    return await asyncio.gather(first, second)


@pytest.mark.parametrize("first", ["the payment", "the end"])
async def test_a_payment_that_begins_at_the_same_moment_is_waited_for_or_never_made(
    purchase: Any,
    ask: Ask,
    missed: Any,
    charged: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    """Each has read what the other is about to change; whoever commits second does it anew."""
    pay, end = purchase.pay, partial(ask, purchase)
    if first == "the payment":
        answer, _ = await meet(monkeypatch, (Payment, "begin"), pay, end)
    else:
        _, answer = await meet(monkeypatch, (rules, "close"), end, pay)

    came_to = answer.status_code, await charged(purchase), await missed()
    assert came_to in [(201, [2500], []), (400, [], [purchase.order.id])]


@pytest.mark.parametrize("first", ["the failure", "the end"])
async def test_of_a_payment_that_fails_at_the_same_moment_it_is_said_that_none_comes(
    purchase: Any, ask: Ask, missed: Any, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    fail, end = partial(purchase.pay, "tok_chargeDeclined"), partial(ask, purchase)
    if first == "the failure":
        await meet(monkeypatch, (rules, "_fail"), fail, end)
    else:
        await meet(monkeypatch, (rules, "close"), end, fail)

    assert await missed() == [purchase.order.id]
