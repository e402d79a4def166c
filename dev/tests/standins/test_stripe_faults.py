"""Fault injection through the control API."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

Pay = Callable[..., Any]


async def inject(http: httpx.AsyncClient, **fault: Any) -> None:
    (await http.post("/_control/faults", json=fault)).raise_for_status()


async def charges(client: Any) -> int:
    return len((await client.v1.charges.list_async()).data)


async def test_response_lost_after_the_charge_is_replayed_by_its_key(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    await inject(stripe_http, kind="drop", when="after")
    with pytest.raises(stripe.APIConnectionError, match="RemoteProtocolError"):
        await pay("pm_card_visa", key="order-1")
    assert await charges(client) == 1
    found = await pay("pm_card_visa", key="order-1")
    assert found.status == "succeeded"
    assert found.last_response.headers["Idempotent-Replayed"] == "true"
    assert await charges(client) == 1


async def test_request_lost_before_the_charge_charges_nothing(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    await inject(stripe_http, kind="drop")
    with pytest.raises(stripe.APIConnectionError):
        await pay("pm_card_visa", key="order-1")
    assert await charges(client) == 0


async def test_response_lost_after_a_confirmation_is_replayed_by_its_key(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay("pm_card_visa", confirm=False)
    key: Any = {"idempotency_key": "confirm-1"}
    await inject(stripe_http, kind="drop", when="after", path=f"/v1/payment_intents/{intent.id}")
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.payment_intents.confirm_async(intent.id, options=key)
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"
    again = await client.v1.payment_intents.confirm_async(intent.id, options=key)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert await charges(client) == 1


async def test_response_lost_after_a_refund_is_replayed_by_its_key(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    params: Any = {"payment_intent": (await pay("pm_card_visa")).id}
    key: Any = {"idempotency_key": "refund-1"}
    await inject(stripe_http, kind="drop", when="after", path="/v1/refunds")
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.refunds.create_async(params, options=key)
    again = await client.v1.refunds.create_async(params, options=key)
    (made,) = (await client.v1.refunds.list_async()).data
    assert (again.id, again.status) == (made.id, "succeeded")


async def test_sdk_retry_recovers_a_lost_response(
    stripe_url: str, client: Any, stripe_http: httpx.AsyncClient
) -> None:
    await inject(stripe_http, kind="drop", when="after")
    http: Any = stripe.HTTPXClient()
    retrying = stripe.StripeClient(
        "sk_test_one", base_addresses={"api": stripe_url}, http_client=http, max_network_retries=2
    )
    intent = await retrying.v1.payment_intents.create_async(
        {
            "amount": 2000,
            "currency": "usd",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "payment_method": "pm_card_visa",
        }
    )
    await http.close_async()
    assert intent.status == "succeeded"
    assert await charges(client) == 1


async def test_error_after_the_charge_is_replayed_as_success_by_its_key(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    await inject(stripe_http, kind="error", when="after", status=503)
    with pytest.raises(stripe.APIError) as failed:
        await pay("pm_card_visa", key="order-1")
    assert failed.value.http_status == 503
    assert (await pay("pm_card_visa", key="order-1")).status == "succeeded"
    assert await charges(client) == 1


async def test_fault_applies_to_matching_requests_as_often_as_set(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    await inject(stripe_http, kind="error", status=429, times=2, path="/v1/refunds")
    await inject(stripe_http, kind="error", method="DELETE")
    intent = await pay("pm_card_visa")
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            await client.v1.refunds.create_async({"payment_intent": intent.id})
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    waiting = (await stripe_http.get("/_control/faults")).json()
    assert [fault["method"] for fault in waiting] == ["DELETE"]
    assert (await stripe_http.delete("/_control/faults")).status_code == 204
    assert (await stripe_http.get("/_control/faults")).json() == []


async def test_delayed_response_arrives(pay: Pay, stripe_http: httpx.AsyncClient) -> None:
    await inject(stripe_http, kind="delay", seconds=0.3, when="after")
    began = time.monotonic()
    assert (await pay("pm_card_visa")).status == "succeeded"
    assert time.monotonic() - began >= 0.3


async def test_invalid_fault_is_rejected(stripe_http: httpx.AsyncClient) -> None:
    for nonsense in ({"kind": "fire"}, {"kind": "error", "status": 200}, {"knid": "drop"}):
        assert (await stripe_http.post("/_control/faults", json=nonsense)).status_code == 422


@pytest.mark.parametrize(
    ("method", "outcome", "status"),
    [
        ("pm_card_threeDSecure2Required", "succeed", "succeeded"),
        ("pm_card_threeDSecure2Required", "fail", "requires_payment_method"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "succeed", "requires_payment_method"),
        ("pm_card_standInProcessing", "succeed", "succeeded"),
        ("pm_usBankAccount_processing", "succeed", "succeeded"),
        ("pm_usBankAccount_processing", "fail", "requires_payment_method"),
    ],
)
async def test_outcome_of_a_payment_can_be_set(
    client: Any,
    pay: Pay,
    stripe_http: httpx.AsyncClient,
    method: str,
    outcome: str,
    status: str,
) -> None:
    intent = await pay(method)
    changed = await stripe_http.post(
        f"/_control/payment_intents/{intent.id}", data={"outcome": outcome}
    )
    assert changed.json()["status"] == status
    after = await client.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == status
    assert (after.last_payment_error is None) == (status == "succeeded")
    again = await stripe_http.post(
        f"/_control/payment_intents/{intent.id}", data={"outcome": outcome}
    )
    assert again.status_code == 400


async def test_changes_are_recorded_as_events(client: Any, pay: Pay) -> None:
    intent = await pay("pm_card_visa", key="order-1")
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    events = (await client.v1.events.list_async()).data
    assert [event.type for event in reversed(events)] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    succeeded = events[2]
    assert succeeded.data.object["id"] == intent.id
    assert succeeded.request.idempotency_key == "order-1"
