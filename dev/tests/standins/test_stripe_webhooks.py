"""Webhooks: signed, repeated until they are heard, and kept through a kill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
from dev.tests.standins.endpoint import SECRET, FeedEvent, Listening, listening

from ticketing_dev.stack.processes import stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_dev.standins.stripe.webhooks import configured
from ticketing_testing import eventually
from ticketing_testing.standins import StripeStandInClient

Pay = Callable[..., Any]
PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
ORDER: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
}


def read(heard: FeedEvent) -> stripe.Event:
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
    pay: Pay, bank: StripeStandInClient, endpoint: Listening
) -> None:
    await bank.set_webhook_treatment(copies=0, types=["payment_intent.created", "charge.succeeded"])
    endpoint.answers = [500, 302]
    await pay("pm_card_visa")
    heard = await endpoint.hears(3)
    assert len({one.event["id"] for one in heard}) == 1
    for one in heard:
        read(one)

    async def told() -> bool:
        (row,) = await bank.deliveries(event=heard[0].event["id"])
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
    part = stand_ins.stripe(
        free_port(),
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


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://localhost:1/hook", ""),
        ("https://example.com/hook", SECRET),
        ("http://10.0.0.1/hook", SECRET),
        ("http://167772161/hook", SECRET),  # the same
    ],
)
def test_an_endpoint_without_a_secret_or_of_another_machine_keeps_it_from_starting(
    monkeypatch: pytest.MonkeyPatch, url: str, secret: str
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_URL", url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", secret)
    with pytest.raises(ValueError, match=r"webhooks go to|at least 1 character"):
        configured()


@pytest.mark.parametrize("host", ["payments-srv", "localhost", "127.0.0.2", "[::1]"])
def test_an_endpoint_is_on_this_machine_or_a_service_of_this_cluster(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_URL", f"http://{host}:3000/hook")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    endpoint = configured()
    assert endpoint is not None
    assert host in endpoint.url


def test_with_no_url_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_URL", raising=False)
    assert configured() is None
