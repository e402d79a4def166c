"""Webhooks: signatures, retries and durability."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
from dev.tests.standins.webhook_receiver import (
    SECRET,
    ReceivedWebhook,
    WebhookReceiver,
    webhook_receiver,
)

from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import running
from ticketing_dev.standins.stripe.webhooks.sender import configured_endpoint
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


def verify(webhook: ReceivedWebhook) -> stripe.Event:
    """Return the event if Stripe's SDK accepts its signature."""
    signed = webhook.headers["stripe-signature"]
    return stripe.Webhook.construct_event(webhook.body, signed, SECRET)  # type: ignore[no-any-return]


async def test_webhook_has_a_valid_stripe_signature(
    client: Any, pay: Pay, receiver: WebhookReceiver
) -> None:
    intent = await pay("pm_card_visa", key="order-1")
    events = {event.type: event for event in map(verify, await receiver.wait_for(3))}
    assert sorted(events) == sorted(PAID)
    succeeded = events["payment_intent.succeeded"]
    assert succeeded.data.object["id"] == intent.id
    assert succeeded.pending_webhooks == 1
    assert succeeded.api_version == stripe.api_version
    assert succeeded.request
    assert succeeded.request.idempotency_key == "order-1"
    assert (await client.v1.events.retrieve_async(succeeded.id)).data.object["id"] == intent.id


async def test_changed_body_or_other_secret_fails_verification(
    pay: Pay, receiver: WebhookReceiver
) -> None:
    await pay("pm_card_visa")
    (webhook, *_) = await receiver.wait_for(1)
    signed = webhook.headers["stripe-signature"]
    for body, secret in ((webhook.body + b" ", SECRET), (webhook.body, "whsec_another")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(body, signed, secret)


async def test_webhook_does_not_expose_the_test_card(pay: Pay, receiver: WebhookReceiver) -> None:
    with pytest.raises(stripe.CardError):
        await pay("tok_visa_chargeDeclined")
    received = await receiver.wait_for(3)
    assert "payment_intent.payment_failed" in receiver.types
    assert all(b"tok_visa_chargeDeclined" not in one.body for one in received)


async def test_webhook_is_retried_with_backoff_until_2xx(
    pay: Pay, stripe_controls: StripeStandInClient, receiver: WebhookReceiver
) -> None:
    await stripe_controls.set_webhook_faults(
        copies=0, types=["payment_intent.created", "charge.succeeded"]
    )
    receiver.statuses = [500, 302]
    await pay("pm_card_visa")
    received = await receiver.wait_for(3)
    assert len({one.event["id"] for one in received}) == 1
    for one in received:
        verify(one)

    async def is_delivered() -> bool:
        (row,) = await stripe_controls.deliveries(event=received[0].event["id"])
        return (row["state"], row["attempts"], row["response"]) == ("delivered", 3, "200")

    assert await eventually(is_delivered)


async def test_delivered_event_has_no_pending_webhooks(
    client: Any, pay: Pay, receiver: WebhookReceiver
) -> None:
    await pay("pm_card_visa")

    async def delivered() -> bool:
        events = (await client.v1.events.list_async()).data
        return [event.pending_webhooks for event in events] == [0, 0, 0]

    assert await eventually(delivered)


async def test_webhook_is_delivered_after_sigkill(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    port = free_port()
    spec = stripe_stand_in(
        free_port(),
        tmp_path / "stripe",
        webhook_url=f"http://localhost:{port}/hook",
        webhook_secret=SECRET,
    )
    with running(spec) as process:
        async with connect(spec.url) as client:
            await client.v1.payment_intents.create_async(ORDER)
        process.kill()
    async with webhook_receiver(port) as receiver:
        with running(spec):
            assert sorted(verify(one).type for one in await receiver.wait_for(3)) == sorted(PAID)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://localhost:1/hook", ""),
        ("https://example.com/hook", SECRET),
        ("http://10.0.0.1/hook", SECRET),
        ("http://167772161/hook", SECRET),  # 10.0.0.1 as a number
    ],
)
def test_configured_endpoint_rejects_missing_secret_and_other_machines(
    monkeypatch: pytest.MonkeyPatch, url: str, secret: str
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_URL", url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", secret)
    with pytest.raises(ValueError, match=r"webhooks go to|at least 1 character"):
        configured_endpoint()


@pytest.mark.parametrize("host", ["payments-srv", "localhost", "127.0.0.2", "[::1]"])
def test_configured_endpoint_accepts_this_machine_and_cluster(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_URL", f"http://{host}:3000/hook")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    endpoint = configured_endpoint()
    assert endpoint is not None
    assert host in endpoint.url


def test_configured_endpoint_is_none_without_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_URL", raising=False)
    assert configured_endpoint() is None
