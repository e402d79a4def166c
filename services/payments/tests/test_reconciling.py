"""What no webhook told us is asked for, once, by one replica at a time."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from beanie import PydanticObjectId

from payments import app
from payments.app import create_app
from payments.domain.documents import Checkpoint, WebhookEvent
from payments.jobs import reconciliation
from payments.settings import PaymentsSettings
from payments.stripe.client import Gateway, NoAnswer
from ticketing_common.events import PaymentCreated, utc_now
from ticketing_testing import RunningService, TestEnvironment, eventually
from ticketing_testing.standins import StripeStandInClient

CARD = "pm_card_threeDSecure2Required"


@pytest.fixture
def gateway(payments: RunningService) -> Gateway:
    gateway: Gateway = payments.app.state.processor._gateway
    return gateway


async def all_missed(gateway: Gateway) -> list[str]:
    now = utc_now()
    missed = reconciliation.missed(gateway, now - timedelta(hours=1), now)
    return [f"{event.id} {event.type}" async for event in missed]


async def test_a_payment_whose_webhook_never_came_is_found(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, gateway: Gateway
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    assert any("payment_intent.succeeded" in event for event in await all_missed(gateway))

    (created,) = await payments.bus.published(PaymentCreated)
    assert created.order_id == purchase.order.id
    assert await all_missed(gateway) == []


@pytest.mark.usefixtures("webhooks")
async def test_what_the_webhooks_told_is_not_taken_in_again(
    purchase: Any, stripe: StripeStandInClient, gateway: Gateway
) -> None:
    await all_missed(gateway)  # of whoever paid before us at the same stand-in
    await purchase.pay()
    await eventually(lambda: nothing_waits(stripe))
    assert await all_missed(gateway) == []


async def nothing_waits(stripe: StripeStandInClient) -> bool:
    return await stripe.deliveries(state="pending") == []


async def test_many_at_once_take_each_event_in_once(
    payments: RunningService, purchase: Any, gateway: Gateway
) -> None:
    await purchase.pay()
    (paid,) = await purchase.payments()

    rounds = await asyncio.gather(*(all_missed(gateway) for _ in range(4)))

    told = [event for events in rounds for event in events]
    assert len(told) == len(set(told))
    assert await heard_of(paid) == ["payment_intent.succeeded"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_while_stripe_is_away_it_is_said_and_asked_again_later(
    stripe: StripeStandInClient, gateway: Gateway
) -> None:
    await stripe.add_fault("drop", times=100, path="/v1/events")
    with pytest.raises(NoAnswer):
        await all_missed(gateway)
    await stripe.reset()
    await all_missed(gateway)


async def test_a_running_service_reconciles_by_itself(
    environment: TestEnvironment,
    settings: dict[str, Any],
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "keep_reconciling", reconciliation.keep_reconciling)
    monkeypatch.setattr(reconciliation, "EVERY", timedelta(seconds=0.1))
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    async with environment.serve(create_app(PaymentsSettings(**settings))):
        await payments.bus.published(PaymentCreated)
        now = utc_now()
        await eventually(lambda: has_come_to(now))
        assert "payment_intent.succeeded" in await heard_of(waiting)


async def has_come_to(time: datetime) -> bool:
    bookmark = await Checkpoint.get(reconciliation.BOOKMARK)
    return bookmark is not None and bookmark.until >= time


async def heard_of(payment: dict[str, Any]) -> list[str]:
    heard = await WebhookEvent.find({"payment_id": PydanticObjectId(payment["id"])}).to_list()
    return [event.type for event in heard]


async def test_only_one_replica_at_a_time_holds_the_bookmark(payments: RunningService) -> None:
    first = utc_now()

    async def take() -> Checkpoint | None:
        return await Checkpoint.take("a-bookmark", first=first, every=timedelta(minutes=5))

    taken = [one for one in await asyncio.gather(*(take() for _ in range(8))) if one is not None]

    assert len(taken) == 1
    assert taken[0].until == first


def test_the_time_since_is_asked_for_in_spans_without_a_gap() -> None:
    since = utc_now() - timedelta(days=30)
    spans = list(reconciliation.spans(since))
    assert spans[0][0] == since
    assert all(one[1] == next_[0] for one, next_ in pairwise(spans))
    assert all(until - begin <= reconciliation.SPAN for begin, until in spans)
    assert utc_now() - spans[-1][1] < timedelta(minutes=1)
