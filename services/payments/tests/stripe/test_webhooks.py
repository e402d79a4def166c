"""POST /api/payments/webhook: each event is processed once, in any order."""

import json
from typing import Any

import httpx
import pytest

from payments.domain.documents import Payment
from payments.stripe.webhooks import WebhookEvent
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentRefunded
from ticketing_testing import RunningService, eventually, new_id
from ticketing_testing.standins import StripeStandInClient

CARD = "pm_card_threeDSecure2Required"


def unknown_event(**fields: Any) -> dict[str, Any]:
    """Return an event of a payment that is not ours."""
    intent = {"id": "pi_other", "object": "payment_intent", "status": "succeeded"}
    return {
        "id": "evt_unknown",
        "object": "event",
        "api_version": "2099-01-01.zebra",
        "type": "payment_intent.succeeded",
        "data": {"object": intent},
        **fields,
    }


@pytest.mark.parametrize(
    "event",
    [
        unknown_event(),
        unknown_event(
            type="customer.created", data={"object": {"id": "cus_1", "object": "customer"}}
        ),
        unknown_event(type="radar.early_fraud_warning.created"),
        unknown_event(data={"object": {"object": "balance"}}),
        unknown_event(id=None),
        {"hello": "world"},
        "[]",
        "no JSON",
    ],
    ids=str,
)
async def test_webhooks_accept_unknown_events_and_change_nothing(
    purchase: Any, post_event: Any, event: Any
) -> None:
    await purchase.pay()
    for _ in range(2):
        assert (await post_event(event)).status_code == 200
    assert await purchase.statuses() == ["succeeded"]


async def test_webhooks_process_a_repeated_event_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    post_event: Any,
    events_of: Any,
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    (succeeded,) = await events_of(purchase, "payment_intent.succeeded")

    for _ in range(3):
        assert (await post_event(succeeded)).status_code == 200

    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await WebhookEvent.find({"_id": succeeded["id"]}).count() == 1
    assert await purchase.statuses() == ["succeeded"]


async def test_webhooks_in_reverse_order_lead_to_the_same_statuses(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    post_event: Any,
    events_of: Any,
    poll_payments: Any,
) -> None:
    """Two cards were used; the events of the first one arrive last."""
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "fail")
    await purchase.pay("tok_visa")
    events = await events_of(purchase)
    assert {"payment_intent.payment_failed", "payment_intent.succeeded"} <= {
        event["type"] for event in events
    }

    for event in reversed(events):
        assert (await post_event(event)).status_code == 200
    await poll_payments()

    await payments.bus.published(PaymentFailed)
    assert await purchase.statuses() == ["succeeded", "failed"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_webhooks_with_an_outdated_failure_cause_a_poll(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    post_event: Any,
    events_of: Any,
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    (succeeded,) = await events_of(purchase, "payment_intent.succeeded")
    outdated = json.loads(json.dumps(succeeded))
    outdated |= {"id": f"evt_{new_id()}", "type": "payment_intent.payment_failed"}
    outdated["data"]["object"]["status"] = "requires_payment_method"

    await post_event(outdated)

    await payments.bus.published(PaymentCreated)
    assert await payments.bus.published(PaymentFailed, 0) == []
    assert await purchase.statuses() == ["succeeded"]


@pytest.mark.usefixtures("webhooks")
async def test_webhooks_doubled_and_reversed_publish_once(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    charged_amounts: Any,
    wait_until_delivered: Any,
) -> None:
    await stripe.set_webhook_faults(copies=2, hold=True)
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    await stripe.set_webhook_faults(reverse=True)

    await payments.bus.published(PaymentCreated)
    await wait_until_delivered()

    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await charged_amounts(purchase) == [2500]


@pytest.mark.usefixtures("webhooks")
@pytest.mark.parametrize("end", ["declined", "refunded"])
async def test_webhooks_of_an_ended_payment_cause_one_poll(
    purchase: Any, cancel_order: Any, wait_until_delivered: Any, end: str
) -> None:
    if end == "declined":
        await purchase.pay("tok_chargeDeclined")
    else:
        await purchase.pay()
        await cancel_order(purchase)
    await wait_until_delivered()

    async def has_no_next_poll() -> bool:
        payment = await Payment.find_one({"order_id": purchase.order.id})
        return payment is not None and payment.next_poll_at is None

    await eventually(has_no_next_poll)


@pytest.mark.usefixtures("webhooks")
async def test_webhooks_of_an_ended_payment_are_polled_after_an_outage_of_stripe(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    stripe_api: httpx.AsyncClient,
    poll_payments: Any,
) -> None:
    paid = (await purchase.pay()).json()
    await poll_payments()  # from now on, polls follow one another quickly
    await stripe.add_fault("drop", times=4, path="/v1/payment_intents/", method="GET")
    await stripe_api.post("/v1/refunds", data={"payment_intent": paid["stripeId"]})

    await payments.bus.published(PaymentRefunded)


async def test_webhooks_of_a_refund_without_metadata_are_processed(
    payments: RunningService,
    purchase: Any,
    stripe_api: httpx.AsyncClient,
    post_event: Any,
    latest_event: Any,
) -> None:
    paid = (await purchase.pay()).json()
    await stripe_api.post("/v1/refunds", data={"payment_intent": paid["stripeId"]})
    event = await latest_event("refund.created")
    event["data"]["object"]["metadata"] = None

    assert (await post_event(event)).status_code == 200

    await payments.bus.published(PaymentRefunded)


async def test_webhooks_of_a_foreign_intent_with_our_metadata_change_nothing(
    payments: RunningService, purchase: Any, post_event: Any
) -> None:
    await purchase.pay("tok_chargeDeclined")
    before = await purchase.payment()
    foreign = {
        "id": "pi_anothers",
        "object": "payment_intent",
        "status": "succeeded",
        "metadata": {"payment_id": str(before.id), "order_id": purchase.order.id},
    }
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": foreign}}

    assert (await post_event(event)).status_code == 200

    assert await purchase.payment() == before
    assert await payments.bus.published(PaymentCreated, 0) == []
