"""What other packages' tests have the stand-in do, through `StripeStandIn`."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from dev.tests.stand_ins.endpoint import SECRET, Listening, listening

from ticketing_common.testing.programs import StripeStandIn

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Pay = Callable[..., Any]


@pytest.fixture
async def bank(stripe_url: str) -> AsyncIterator[StripeStandIn]:
    bank = StripeStandIn(stripe_url, {"Authorization": "Bearer sk_test_one"})
    yield bank
    await bank.recover()


@pytest.fixture
async def endpoint(bank: StripeStandIn) -> AsyncIterator[Listening]:
    async with listening() as listener:
        await bank.tell(listener.url, SECRET)
        yield listener
        await bank.recover()


async def test_webhooks_are_held_and_delivered_one_by_one(
    pay: Pay, bank: StripeStandIn, endpoint: Listening
) -> None:
    await bank.treat_webhooks(hold=True)
    await pay("pm_card_visa")
    newest, *_ = await bank.deliveries(state="waiting")
    told = await bank.deliver(newest["event"])
    assert (told["state"], endpoint.types) == ("delivered", ["payment_intent.succeeded"])
    await bank.treat_webhooks()
    await endpoint.hears(4)


async def test_the_buyer_the_bank_and_time_are_played(
    client: Any, pay: Pay, bank: StripeStandIn
) -> None:
    asked = await pay("pm_card_threeDSecure2Required", key="order-1")
    assert (await bank.play("payment_intents", asked.id, "succeed"))["status"] == "succeeded"
    intent = await pay("pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await bank.play("refunds", refund.id))["status"] == "succeeded"
    await bank.age_keys(hours=24)
    assert (await pay("pm_card_threeDSecure2Required", key="order-1")).id != asked.id


async def test_a_good_day_follows_a_bad_one(
    pay: Pay, bank: StripeStandIn, endpoint: Listening
) -> None:
    await bank.treat_webhooks(hold=True, copies=2)
    await bank.fail("drop", path="/v1/refunds")
    await pay("pm_card_visa")
    await bank.recover()
    assert await bank.has_failed()
    assert {row["state"] for row in await bank.deliveries()} == {"dropped"}
    assert endpoint.heard == []
