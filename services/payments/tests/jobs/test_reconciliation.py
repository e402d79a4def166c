"""Reconciliation: a missed webhook is processed once, by one process at a time."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from services.payments.tests.stand_in import run_stripe

from payments.app import create_app
from payments.jobs import reconciliation
from payments.jobs.reconciliation import CHECKPOINT_ID, Checkpoint, process_missed
from payments.settings import PaymentsSettings
from payments.stripe.client import StripeClient, StripeUnavailable
from payments.stripe.webhooks import WebhookEvent
from ticketing_common.events import PaymentCreated, utc_now
from ticketing_testing import RunningService, TestEnvironment, eventually
from ticketing_testing.standins import StripeStandInClient

CARD = "pm_card_threeDSecure2Required"
RUN = reconciliation.run
"""The job itself: the settings of the tests replace it."""


@pytest.fixture(scope="module")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a new stand-in. Reconciliation would process the events of all other tests."""
    with run_stripe(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture
def client(payments: RunningService) -> StripeClient:
    """The service's client of Stripe."""
    client: StripeClient = payments.app.state.settlement._stripe
    return client


async def process_last_hour(client: StripeClient) -> list[str]:
    """Process the missed events of the last hour. Returns their ids and types."""
    now = utc_now()
    missed = process_missed(client, now - timedelta(hours=1), now)
    return [f"{event.id} {event.type}" async for event in missed]


async def test_reconciliation_finds_a_payment_whose_webhook_is_missing(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, client: StripeClient
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    assert any("payment_intent.succeeded" in event for event in await process_last_hour(client))

    (created,) = await payments.bus.published(PaymentCreated)
    assert created.order_id == purchase.order.id
    assert await process_last_hour(client) == []


@pytest.mark.usefixtures("webhooks")
async def test_reconciliation_skips_events_whose_webhook_arrived(
    purchase: Any, client: StripeClient, wait_until_delivered: Any
) -> None:
    await process_last_hour(client)  # events of other tests at the same stand-in
    await purchase.pay()
    await wait_until_delivered()
    assert await process_last_hour(client) == []


async def test_reconciliation_at_the_same_time_processes_each_event_once(
    payments: RunningService, purchase: Any, client: StripeClient
) -> None:
    await purchase.pay()
    (paid,) = await purchase.payments()

    runs = await asyncio.gather(*(process_last_hour(client) for _ in range(4)))

    processed = [event for events in runs for event in events]
    assert len(processed) == len(set(processed))
    assert await ledger_of(paid) == ["payment_intent.succeeded"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_reconciliation_fails_while_stripe_is_unavailable_and_succeeds_later(
    stripe: StripeStandInClient, client: StripeClient
) -> None:
    await stripe.add_fault("drop", times=100, path="/v1/events")
    with pytest.raises(StripeUnavailable):
        await process_last_hour(client)
    await stripe.reset()
    await process_last_hour(client)


async def test_reconciliation_runs_in_the_service(
    environment: TestEnvironment,
    settings: dict[str, Any],
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconciliation, "run", RUN)
    monkeypatch.setattr(reconciliation, "INTERVAL", timedelta(seconds=0.1))
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")

    async with environment.serve(create_app(PaymentsSettings(**settings))):
        await payments.bus.published(PaymentCreated)
        now = utc_now()
        await eventually(lambda: has_reached(now))
        assert "payment_intent.succeeded" in await ledger_of(waiting)


async def has_reached(time: datetime) -> bool:
    checkpoint = await Checkpoint.get(CHECKPOINT_ID)
    return checkpoint is not None and checkpoint.until >= time


async def ledger_of(payment: dict[str, Any]) -> list[str]:
    """Return the types of the processed events of a payment."""
    events = await WebhookEvent.find({"payment_id": PydanticObjectId(payment["id"])}).to_list()
    return [event.type for event in events]


@pytest.mark.usefixtures("payments")
async def test_checkpoint_is_claimed_by_one_process_at_a_time() -> None:
    first = utc_now()

    async def claim() -> Checkpoint | None:
        return await Checkpoint.claim("a-checkpoint", first=first, interval=timedelta(minutes=5))

    results = await asyncio.gather(*(claim() for _ in range(8)))

    (claimed,) = [checkpoint for checkpoint in results if checkpoint is not None]
    assert claimed.until == first
