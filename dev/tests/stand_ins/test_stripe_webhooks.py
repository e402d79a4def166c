"""Webhooks: signed, repeated until they are heard, and kept through a kill."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from dev.tests.stand_ins.endpoint import SECRET, Heard, Listening, listening

from ticketing_common.testing import eventually
from ticketing_dev import parts
from ticketing_dev.ports import free_port
from ticketing_dev.process import running

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Pay = Callable[..., Any]
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
ORDER: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
}


@pytest.fixture
async def endpoint(stripe_http: httpx.AsyncClient) -> AsyncIterator[Listening]:
    """An endpoint that the stand-in delivers to."""
    async with listening() as listener:
        body = {"url": listener.url, "secret": SECRET}
        (await stripe_http.put("/_control/webhooks/endpoint", json=body)).raise_for_status()
        yield listener
        # Else the stand-in would go on telling an endpoint that is gone.
        (await stripe_http.delete("/_control/webhooks")).raise_for_status()


async def treat(http: httpx.AsyncClient, **treatment: Any) -> None:
    (await http.put("/_control/webhooks", json=treatment)).raise_for_status()


async def deliveries(http: httpx.AsyncClient, **asked: Any) -> Any:
    return (await http.get("/_control/webhooks/deliveries", params=asked)).json()


def read(heard: Heard) -> stripe.Event:
    """The event, if Stripe's own SDK takes it for Stripe's."""
    signed = heard.headers["stripe-signature"]
    return stripe.Webhook.construct_event(heard.body, signed, SECRET)  # type: ignore[no-any-return]


async def test_each_event_is_told_signed_as_stripe_signs(
    client: Any, pay: Pay, endpoint: Listening
) -> None:
    intent = await pay("pm_card_visa", key="order-1")
    events = {event.type: event for event in map(read, await endpoint.hears(3))}
    assert sorted(events) == sorted(PAID)
    succeeded = events["payment_intent.succeeded"]
    assert succeeded.data.object["id"] == intent.id
    assert succeeded.pending_webhooks == 1
    assert succeeded.api_version == stripe.api_version
    assert succeeded.request
    assert succeeded.request.idempotency_key == "order-1"
    assert (await client.v1.events.retrieve_async(succeeded.id)).data.object["id"] == intent.id


async def test_a_changed_body_or_another_secret_is_not_stripes(
    pay: Pay, endpoint: Listening
) -> None:
    await pay("pm_card_visa")
    (heard, *_) = await endpoint.hears(1)
    signed = heard.headers["stripe-signature"]
    for body, secret in ((heard.body + b" ", SECRET), (heard.body, "whsec_another")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(body, signed, secret)


async def test_how_a_card_behaves_is_not_told(pay: Pay, endpoint: Listening) -> None:
    with pytest.raises(stripe.CardError):
        await pay("tok_visa_chargeDeclined")
    heard = await endpoint.hears(3)
    assert "payment_intent.payment_failed" in endpoint.types
    assert all(b"tok_visa_chargeDeclined" not in one.body for one in heard)


async def test_what_is_not_answered_with_2xx_is_told_again_in_growing_pauses(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, copies=0, types=["payment_intent.created", "charge.succeeded"])
    endpoint.answers = [500, 302]
    await pay("pm_card_visa")
    heard = await endpoint.hears(3)
    assert len({one.event["id"] for one in heard}) == 1
    for one in heard:
        read(one)

    async def told() -> bool:
        (row,) = await deliveries(stripe_http, event=heard[0].event["id"])
        return (row["state"], row["tries"], row["answer"]) == ("delivered", 3, "200")

    assert await eventually(told)


async def test_what_was_delivered_is_pending_no_more(
    client: Any, pay: Pay, endpoint: Listening
) -> None:
    await pay("pm_card_visa")

    async def delivered() -> bool:
        events = (await client.v1.events.list_async()).data
        return [event.pending_webhooks for event in events] == [0, 0, 0]

    assert await eventually(delivered)


async def test_an_event_is_told_through_kills_of_the_stand_in(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    hook = free_port()
    part = parts.stripe(
        parts.free_port(),
        tmp_path / "stripe",
        webhook_url=f"http://localhost:{hook}/hook",
        webhook_secret=SECRET,
    )
    with running(part) as process:
        async with connect(part.url) as client:
            await client.v1.payment_intents.create_async(ORDER)
        process.kill()
    async with listening(hook) as endpoint:
        with running(part):
            assert sorted(read(one).type for one in await endpoint.hears(3)) == sorted(PAID)


async def test_deliveries_that_are_held_go_when_they_are_let(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, hold=True, types=["payment_intent.succeeded"])
    await pay("pm_card_visa")

    async def only_it_waits() -> bool:
        waiting = await deliveries(stripe_http, state="waiting")
        return [(one["type"], one["tries"]) for one in waiting] == [("payment_intent.succeeded", 0)]

    assert await eventually(only_it_waits)
    assert sorted(endpoint.types) == sorted(PAID[:2])
    await treat(stripe_http)
    await endpoint.hears(3)
    assert endpoint.types[2] == "payment_intent.succeeded"


async def test_what_was_held_can_go_newest_first(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, hold=True)
    await pay("pm_card_visa")
    await treat(stripe_http, reverse=True)
    await endpoint.hears(3)
    assert endpoint.types == PAID[::-1]


async def test_events_can_be_told_twice(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, copies=2)
    await pay("pm_card_visa")
    heard = await endpoint.hears(6)
    assert sorted(endpoint.types) == sorted(PAID * 2)
    assert len({one.event["id"] for one in heard}) == 3


async def test_an_event_that_was_dropped_is_told_only_by_hand(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, copies=0)
    await pay("pm_card_visa")
    assert {row["state"] for row in await deliveries(stripe_http)} == {"dropped"}
    lost = (await client.v1.events.list_async({"type": "charge.succeeded"})).data[0]
    assert lost.pending_webhooks == 1
    sent = await stripe_http.post(f"/_control/webhooks/deliveries/{lost.id}")
    assert (sent.json()["state"], sent.json()["answer"]) == ("delivered", "200")
    assert endpoint.types == ["charge.succeeded"]


async def test_the_page_shows_the_deliveries_and_sends_one_again(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, copies=0)
    await pay("pm_card_visa")
    lost = (await deliveries(stripe_http))[0]
    button = f"play/events/{lost['event']}"
    shown = (await stripe_http.get("/")).text
    assert f'action="{button}"' in shown
    assert "dropped</span> payment_intent.succeeded" in shown
    assert (await stripe_http.post(f"/{button}")).status_code == 303
    assert endpoint.types == ["payment_intent.succeeded"]
    assert "1 try, last answered 200" in (await stripe_http.get("/")).text


async def test_one_event_can_be_told_while_all_others_are_held(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, hold=True)
    await pay("pm_card_visa")
    for event in (await client.v1.events.list_async()).data:
        await stripe_http.post(f"/_control/webhooks/deliveries/{event.id}")
    assert endpoint.types == PAID[::-1]


async def test_a_reset_forgets_the_bad_day_and_what_was_still_to_be_told(
    pay: Pay, stripe_http: httpx.AsyncClient, endpoint: Listening
) -> None:
    await treat(stripe_http, hold=True, copies=2, reverse=True)
    await pay("pm_card_visa")
    assert (await stripe_http.delete("/_control/webhooks")).status_code == 204
    assert {row["state"] for row in await deliveries(stripe_http)} == {"dropped"}
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
