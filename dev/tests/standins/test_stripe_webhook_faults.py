"""Bad days of webhooks, and Stripe's other parts, as tests of other packages order them."""

from collections.abc import Callable
from typing import Any

import httpx
from dev.tests.standins.endpoint import SECRET, Listening

from ticketing_testing import eventually
from ticketing_testing.standins import StripeStandInClient

Pay = Callable[..., Any]
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


async def test_deliveries_that_are_held_go_when_they_are_let(
    pay: Pay, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(hold=True, types=["payment_intent.succeeded"])
    await pay("pm_card_visa")

    async def only_it_waits() -> bool:
        waiting = await bank.deliveries(state="pending")
        return [(one["type"], one["tries"]) for one in waiting] == [("payment_intent.succeeded", 0)]

    assert await eventually(only_it_waits)
    assert sorted(endpoint.types) == sorted(PAID[:2])
    await bank.set_webhook_treatment()
    await endpoint.hears(3)
    assert endpoint.types[2] == "payment_intent.succeeded"


async def test_what_was_held_can_go_newest_first(
    pay: Pay, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(hold=True)
    await pay("pm_card_visa")
    await bank.set_webhook_treatment(reverse=True)
    await endpoint.hears(3)
    assert endpoint.types == PAID[::-1]


async def test_events_can_be_told_twice(
    pay: Pay, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(copies=2)
    await pay("pm_card_visa")
    heard = await endpoint.hears(6)
    assert sorted(endpoint.types) == sorted(PAID * 2)
    assert len({one.event["id"] for one in heard}) == 3


async def test_an_event_that_was_dropped_is_told_only_by_hand(
    client: Any,
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    bank: StripeStandInClient,
    endpoint: Listening,
) -> None:
    await bank.set_webhook_treatment(copies=0)
    await pay("pm_card_visa")
    assert {row["state"] for row in await bank.deliveries()} == {"dropped"}
    lost = (await client.v1.events.list_async({"type": "charge.succeeded"})).data[0]
    assert lost.pending_webhooks == 1
    sent = await stripe_http.post(f"/_control/webhooks/deliveries/{lost.id}")
    assert (sent.json()["state"], sent.json()["answer"]) == ("delivered", "200")
    assert endpoint.types == ["charge.succeeded"]


async def test_the_page_shows_the_deliveries_and_sends_one_again(
    pay: Pay, stripe_http: httpx.AsyncClient, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(copies=0)
    await pay("pm_card_visa")
    lost = (await bank.deliveries())[0]
    button = f"play/events/{lost['event']}"
    shown = (await stripe_http.get("/")).text
    assert f'action="{button}"' in shown
    assert "dropped</span> payment_intent.succeeded" in shown
    assert (await stripe_http.post(f"/{button}")).status_code == 303
    assert endpoint.types == ["payment_intent.succeeded"]
    assert "1 try, last answered 200" in (await stripe_http.get("/")).text


async def test_one_event_can_be_told_while_all_others_are_held(
    client: Any,
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    bank: StripeStandInClient,
    endpoint: Listening,
) -> None:
    await bank.set_webhook_treatment(hold=True)
    await pay("pm_card_visa")
    for event in (await client.v1.events.list_async()).data:
        await stripe_http.post(f"/_control/webhooks/deliveries/{event.id}")
    assert endpoint.types == PAID[::-1]


async def test_a_reset_forgets_the_bad_day_and_what_was_still_to_be_told(
    pay: Pay, stripe_http: httpx.AsyncClient, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(hold=True, copies=2, reverse=True)
    await pay("pm_card_visa")
    assert (await stripe_http.delete("/_control/webhooks")).status_code == 204
    assert {row["state"] for row in await bank.deliveries()} == {"dropped"}
    treatment = {"hold": False, "copies": 1, "reverse": False, "types": []}
    assert (await stripe_http.get("/_control/webhooks")).json() == treatment
    assert endpoint.heard == []


async def test_what_makes_no_sense_is_refused(stripe_http: httpx.AsyncClient) -> None:
    nowhere = await stripe_http.post("/_control/webhooks/deliveries/evt_nonesuch")
    assert nowhere.status_code == 400
    for url in ("http://example.com/hook", "http://10.0.0.1/", "ftp://localhost/", "hook"):
        body = {"url": url, "secret": SECRET}
        answer = await stripe_http.put("/_control/webhooks/endpoint", json=body)
        assert answer.status_code == 422
    assert (await stripe_http.put("/_control/webhooks", json={"copies": 6})).status_code == 422


async def test_the_buyer_the_bank_and_time_are_played(
    client: Any, pay: Pay, bank: StripeStandInClient
) -> None:
    asked = await pay("pm_card_threeDSecure2Required", key="order-1")
    assert (await bank.set_outcome("payment_intents", asked.id, "succeed"))["status"] == "succeeded"
    intent = await pay("pm_card_pendingRefund")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await bank.set_outcome("refunds", refund.id))["status"] == "succeeded"
    await bank.age_idempotency_keys(hours=24)
    assert (await pay("pm_card_threeDSecure2Required", key="order-1")).id != asked.id
