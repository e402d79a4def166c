"""Fault injection for webhooks, and the control API that tests of other packages use."""

from collections.abc import Callable
from typing import Any

import httpx
from dev.tests.standins.webhook_receiver import SECRET, WebhookReceiver

from ticketing_testing import eventually
from ticketing_testing.standins import StripeStandInClient

Pay = Callable[..., Any]
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


async def test_held_deliveries_are_sent_after_hold_ends(
    pay: Pay, stripe_controls: StripeStandInClient, receiver: WebhookReceiver
) -> None:
    await stripe_controls.set_webhook_faults(hold=True, types=["payment_intent.succeeded"])
    await pay("pm_card_visa")

    async def only_the_held_one_is_pending() -> bool:
        pending = await stripe_controls.deliveries(state="pending")
        return [(delivery["type"], delivery["attempts"]) for delivery in pending] == [
            ("payment_intent.succeeded", 0)
        ]

    assert await eventually(only_the_held_one_is_pending)
    assert sorted(receiver.types) == sorted(PAID[:2])
    await stripe_controls.set_webhook_faults()
    await receiver.wait_for(3)
    assert receiver.types[2] == "payment_intent.succeeded"


async def test_held_deliveries_can_be_sent_newest_first(
    pay: Pay, stripe_controls: StripeStandInClient, receiver: WebhookReceiver
) -> None:
    await stripe_controls.set_webhook_faults(hold=True)
    await pay("pm_card_visa")
    await stripe_controls.set_webhook_faults(reverse=True)
    await receiver.wait_for(3)
    assert receiver.types == PAID[::-1]


async def test_deliveries_can_be_duplicated(
    pay: Pay, stripe_controls: StripeStandInClient, receiver: WebhookReceiver
) -> None:
    await stripe_controls.set_webhook_faults(copies=2)
    await pay("pm_card_visa")
    received = await receiver.wait_for(6)
    assert sorted(receiver.types) == sorted(PAID * 2)
    assert len({webhook.event["id"] for webhook in received}) == 3


async def test_dropped_event_is_delivered_on_request_only(
    client: Any,
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    stripe_controls: StripeStandInClient,
    receiver: WebhookReceiver,
) -> None:
    await stripe_controls.set_webhook_faults(copies=0)
    await pay("pm_card_visa")
    assert {row["state"] for row in await stripe_controls.deliveries()} == {"dropped"}
    lost = (await client.v1.events.list_async({"type": "charge.succeeded"})).data[0]
    assert lost.pending_webhooks == 1
    sent = await stripe_http.post(f"/_control/webhooks/deliveries/{lost.id}")
    assert (sent.json()["state"], sent.json()["response"]) == ("delivered", "200")
    assert receiver.types == ["charge.succeeded"]


async def test_page_shows_deliveries_and_sends_one_again(
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    stripe_controls: StripeStandInClient,
    receiver: WebhookReceiver,
) -> None:
    await stripe_controls.set_webhook_faults(copies=0)
    await pay("pm_card_visa")
    lost = (await stripe_controls.deliveries())[0]
    button = f"outcomes/events/{lost['event']}"
    shown = (await stripe_http.get("/")).text
    assert f'action="{button}"' in shown
    assert "dropped</span> payment_intent.succeeded" in shown
    assert (await stripe_http.post(f"/{button}")).status_code == 303
    assert receiver.types == ["payment_intent.succeeded"]
    assert "1 attempt, last response 200" in (await stripe_http.get("/")).text


async def test_one_event_can_be_sent_while_others_are_held(
    client: Any,
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    stripe_controls: StripeStandInClient,
    receiver: WebhookReceiver,
) -> None:
    await stripe_controls.set_webhook_faults(hold=True)
    await pay("pm_card_visa")
    for event in (await client.v1.events.list_async()).data:
        await stripe_http.post(f"/_control/webhooks/deliveries/{event.id}")
    assert receiver.types == PAID[::-1]


async def test_reset_removes_faults_and_pending_deliveries(
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    stripe_controls: StripeStandInClient,
    receiver: WebhookReceiver,
) -> None:
    await stripe_controls.set_webhook_faults(hold=True, copies=2, reverse=True)
    await pay("pm_card_visa")
    assert (await stripe_http.delete("/_control/webhooks")).status_code == 204
    assert {row["state"] for row in await stripe_controls.deliveries()} == {"dropped"}
    faults = {"hold": False, "copies": 1, "reverse": False, "types": []}
    assert (await stripe_http.get("/_control/webhooks")).json() == faults
    assert receiver.received == []


async def test_invalid_webhook_faults_are_rejected(stripe_http: httpx.AsyncClient) -> None:
    without_endpoint = await stripe_http.post("/_control/webhooks/deliveries/evt_nonesuch")
    assert without_endpoint.status_code == 400
    for url in ("http://example.com/hook", "http://10.0.0.1/", "ftp://localhost/", "hook"):
        body = {"url": url, "secret": SECRET}
        response = await stripe_http.put("/_control/webhooks/endpoint", json=body)
        assert response.status_code == 422
    assert (await stripe_http.put("/_control/webhooks", json={"copies": 6})).status_code == 422


async def test_outcomes_and_key_age_can_be_set(
    client: Any, pay: Pay, stripe_controls: StripeStandInClient
) -> None:
    intent_with_key = await pay("pm_card_threeDSecure2Required", key="order-1")
    assert (await stripe_controls.set_outcome("payment_intents", intent_with_key.id, "succeed"))[
        "status"
    ] == "succeeded"
    intent = await pay("pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await stripe_controls.set_outcome("refunds", refund.id))["status"] == "succeeded"
    await stripe_controls.age_idempotency_keys(hours=24)
    assert (await pay("pm_card_threeDSecure2Required", key="order-1")).id != intent_with_key.id
