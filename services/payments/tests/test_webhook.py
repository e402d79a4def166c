"""POST /api/payments/webhook: only what Stripe signed, once, in whatever order it comes."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from services.payments.tests.signing import signed

from payments.domain.documents import Payment, WebhookEvent
from ticketing_common.events import PaymentCreated, PaymentFailed, PaymentRefunded
from ticketing_testing import RunningService, eventually, new_id
from ticketing_testing.standins import StripeStandInClient

CARD = "pm_card_threeDSecure2Required"


Tell = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def tell(payments: RunningService) -> Tell:
    """Posts an event as Stripe would."""
    http = await payments.client()

    async def post(event: dict[str, Any] | str, **how: Any) -> httpx.Response:
        body = event if isinstance(event, str) else json.dumps(event)
        return await http.post("/api/payments/webhook", content=body, headers=signed(body, **how))

    return post


@pytest.fixture
def events(stripe: StripeStandInClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """What Stripe has to tell of an order, the oldest first."""

    async def of(purchase: Any, *types: str) -> list[dict[str, Any]]:
        told = (await stripe.get("/v1/events", limit=100))["data"]
        return [
            event
            for event in reversed(told)
            if purchase.order.id in json.dumps(event) and (not types or event["type"] in types)
        ]

    return of


def unknown(**event: Any) -> dict[str, Any]:
    """An event of something that is not ours."""
    thing = {"id": "pi_other", "object": "payment_intent", "status": "succeeded"}
    return {
        "id": "evt_unknown",
        "object": "event",
        "api_version": "2099-01-01.zebra",
        "type": "payment_intent.succeeded",
        "data": {"object": thing},
        **event,
    }


FORGED: dict[str, Callable[[], dict[str, str]]] = {
    "none": dict,
    "empty": lambda: {"Stripe-Signature": ""},
    "no signature": lambda: {"Stripe-Signature": "t=1"},
    "no form": lambda: {"Stripe-Signature": "rubbish"},
    "made up": lambda: {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"},
    "of an old scheme": lambda: {
        "Stripe-Signature": signed("{}")["Stripe-Signature"].replace("v1", "v0")
    },
    "by somebody else": lambda: signed("{}", "whsec_somebody_elses"),
    "of another body": lambda: signed("{ }"),
    "too old": lambda: signed("{}", at=time.time() - 301),
}


@pytest.mark.parametrize("forged", FORGED)
async def test_what_stripe_did_not_sign_or_not_lately_is_a_400(
    payments: RunningService, forged: str
) -> None:
    http = await payments.client()
    headers = FORGED[forged]()
    answer = await http.post("/api/payments/webhook", content="{}", headers=headers)
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"message": "The signature does not fit the body"}]}


async def test_a_body_that_is_no_text_is_a_400(payments: RunningService) -> None:
    http = await payments.client()
    answer = await http.post("/api/payments/webhook", content=b"\xff\xfe", headers=signed("{}"))
    assert answer.status_code == 400


async def test_a_signature_that_is_not_ascii_is_a_400(payments: RunningService) -> None:
    http = await payments.client()
    headers = {b"Stripe-Signature": f"t={int(time.time())},v1=\u00e9".encode()}
    answer = await http.post("/api/payments/webhook", content="{}", headers=headers)
    assert answer.status_code == 400


async def test_the_signature_is_over_the_raw_body_not_over_what_it_means(tell: Tell) -> None:
    event = json.dumps(unknown(), indent=3, sort_keys=True)
    assert (await tell(event)).status_code == 200


async def test_a_secret_that_is_being_replaced_counts_beside_the_new_one(
    payments: RunningService,
) -> None:
    """While one is rolled, Stripe signs with both."""
    http = await payments.client()
    body = json.dumps(unknown())
    old, new = signed(body, "whsec_old"), signed(body)
    both = old["Stripe-Signature"] + "," + new["Stripe-Signature"].partition(",")[2]
    answer = await http.post(
        "/api/payments/webhook", content=body, headers={"Stripe-Signature": both}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "event",
    [
        unknown(),
        unknown(type="customer.created", data={"object": {"id": "cus_1", "object": "customer"}}),
        unknown(type="radar.early_fraud_warning.created"),
        unknown(data={"object": {"object": "balance"}}),
        unknown(id=None),
        {"hello": "environment"},
        "[]",
        "no JSON",
    ],
    ids=str,
)
async def test_what_is_unknown_is_fine_and_changes_nothing(
    payments: RunningService, purchase: Any, tell: Tell, event: Any
) -> None:
    await purchase.pay()
    for _ in range(2):
        assert (await tell(event)).status_code == 200
    assert await purchase.statuses() == ["succeeded"]


async def test_an_event_that_comes_twice_is_taken_in_once(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, tell: Tell, events: Any
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    (succeeded,) = await events(purchase, "payment_intent.succeeded")

    for _ in range(3):
        assert (await tell(succeeded)).status_code == 200

    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await WebhookEvent.find({"_id": succeeded["id"]}).count() == 1
    assert await purchase.statuses() == ["succeeded"]


async def test_in_whatever_order_they_come_the_payment_ends_alike(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    tell: Tell,
    events: Any,
    later: Any,
) -> None:
    """Two cards were tried; the news of the first come last."""
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "fail")
    await purchase.pay("tok_visa")
    told = await events(purchase)
    assert {"payment_intent.payment_failed", "payment_intent.succeeded"} <= {
        event["type"] for event in told
    }

    for event in reversed(told):
        assert (await tell(event)).status_code == 200
    await later()

    await payments.bus.published(PaymentFailed)
    assert await purchase.statuses() == ["succeeded", "failed"]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_old_news_of_a_failure_is_looked_up_not_believed(
    payments: RunningService,
    purchase: Any,
    stripe: StripeStandInClient,
    tell: Tell,
    events: Any,
    later: Any,
) -> None:
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    (succeeded,) = await events(purchase, "payment_intent.succeeded")
    late = json.loads(json.dumps(succeeded))
    late |= {"id": f"evt_{new_id()}", "type": "payment_intent.payment_failed"}
    late["data"]["object"]["status"] = "requires_payment_method"

    await tell(late)

    await payments.bus.published(PaymentCreated)
    assert await payments.bus.published(PaymentFailed, 0) == []
    assert await purchase.statuses() == ["succeeded"]


@pytest.mark.usefixtures("webhooks")
async def test_with_every_webhook_doubled_and_reversed_the_payment_is_told_once(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, charged: Any
) -> None:
    await stripe.set_webhook_treatment(copies=2, hold=True)
    await purchase.pay(CARD)
    (waiting,) = await purchase.payments()
    await stripe.set_outcome("payment_intents", waiting["stripeId"], "succeed")
    await stripe.set_webhook_treatment(reverse=True)

    await payments.bus.published(PaymentCreated)
    await eventually(lambda: all_delivered(stripe))

    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert await charged(purchase) == [2500]


async def all_delivered(stripe: StripeStandInClient) -> bool:
    return await stripe.deliveries(state="pending") == []


@pytest.mark.usefixtures("webhooks")
@pytest.mark.parametrize("end", ["declined", "refunded"])
async def test_news_of_a_payment_that_has_ended_is_looked_up_once_not_for_ever(
    purchase: Any, stripe: StripeStandInClient, cancel: Any, end: str
) -> None:
    if end == "declined":
        await purchase.pay("tok_chargeDeclined")
    else:
        await purchase.pay()
        await cancel(purchase)
    await eventually(lambda: all_delivered(stripe))

    async def is_left_alone() -> bool:
        payment = await Payment.find_one({"order_id": purchase.order.id})
        return payment is not None and payment.look_at is None

    await eventually(is_left_alone)


@pytest.mark.usefixtures("webhooks")
async def test_news_of_a_payment_that_has_ended_is_not_lost_while_stripe_is_away(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, later: Any
) -> None:
    paid = (await purchase.pay()).json()
    await later()  # the pauses are short now
    await stripe.add_fault("drop", times=4, path="/v1/payment_intents/", method="GET")
    async with stripe._client() as http:
        await http.post("/v1/refunds", data={"payment_intent": paid["stripeId"]})

    await payments.bus.published(PaymentRefunded)


async def test_news_of_a_refund_without_metadata_is_news(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, tell: Tell, events: Any
) -> None:
    paid = (await purchase.pay()).json()
    async with stripe._client() as http:
        await http.post("/v1/refunds", data={"payment_intent": paid["stripeId"]})
    told = (await stripe.get("/v1/events", type="refund.created", limit=1))["data"][0]
    told["data"]["object"]["metadata"] = None

    assert (await tell(told)).status_code == 200

    await payments.bus.published(PaymentRefunded)


async def test_an_intent_that_only_says_it_is_ours_changes_nothing(
    payments: RunningService, purchase: Any, tell: Tell
) -> None:
    await purchase.pay("tok_chargeDeclined")
    before = await purchase.payment()
    stranger = {
        "id": "pi_anothers",
        "object": "payment_intent",
        "status": "succeeded",
        "metadata": {"payment_id": str(before.id), "order_id": purchase.order.id},
    }
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": stranger}}

    assert (await tell(event)).status_code == 200

    assert await purchase.payment() == before
    assert await payments.bus.published(PaymentCreated, 0) == []


async def test_a_dispute_whose_end_is_told_before_its_beginning_is_over(
    purchase: Any, stripe: StripeStandInClient, tell: Tell
) -> None:
    """As in a reconciliation, which hears the newest first."""
    await purchase.pay("pm_card_createDispute")
    (dispute,) = (await stripe.get("/v1/disputes", limit=1))["data"]
    await stripe.set_outcome("disputes", dispute["id"], "lost")

    for news in ("closed", "created"):
        (event,) = (await stripe.get("/v1/events", type=f"charge.dispute.{news}", limit=1))["data"]
        assert (await tell(event)).status_code == 200

    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert not payment.disputed


async def test_a_dispute_is_noted_until_it_is_closed(
    payments: RunningService, purchase: Any, stripe: StripeStandInClient, tell: Tell, events: Any
) -> None:
    await purchase.pay("pm_card_createDispute")
    (dispute,) = (await stripe.get("/v1/disputes", limit=1))["data"]
    for event in await events(purchase, "charge.dispute.created"):
        await tell(event)
    told = (await stripe.get("/v1/events", type="charge.dispute.created", limit=1))["data"][0]
    await tell(told)
    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert payment.disputed

    await stripe.set_outcome("disputes", dispute["id"], "won")
    closed = (await stripe.get("/v1/events", type="charge.dispute.closed", limit=1))["data"][0]
    await tell(closed)
    payment = await Payment.find_one({"order_id": purchase.order.id})
    assert payment is not None
    assert not payment.disputed
