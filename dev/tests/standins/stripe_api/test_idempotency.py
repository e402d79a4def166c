"""Idempotency keys."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


async def test_same_key_returns_the_same_response_and_charges_once(client: Any, pay: Pay) -> None:
    """IDEMPOTENCY: subsequent requests with the same key return the same result."""
    first = await pay("pm_card_visa", key="order-1")
    second = await pay("pm_card_visa", key="order-1")
    assert second.id == first.id
    assert second.last_response.body == first.last_response.body
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_decline_is_replayed(client: Any, pay: Pay) -> None:
    """IDEMPOTENCY: the result is saved regardless of whether it succeeds or fails."""
    answers: list[Any] = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as raised:
            await pay("pm_card_visa_chargeDeclined", key="order-1")
        answers.append(error_of(raised))
    assert answers[0].http_body == answers[1].http_body
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_500_during_execution_is_replayed(pay: Pay, stripe_http: httpx.AsyncClient) -> None:
    """IDEMPOTENCY: the same result, including 500 errors."""
    await stripe_http.post("/_control/faults", json={"kind": "error", "when": "during"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await pay("pm_card_visa", key="order-1")
        assert error_of(failed).http_status == 500
    assert (await pay("pm_card_visa", key="order-2")).status == "succeeded"


async def test_rejected_refund_is_replayed(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """IDEMPOTENCY: the result is saved regardless of whether it succeeds or fails."""
    intent = await pay("pm_card_createDispute")
    (dispute,) = (await client.v1.disputes.list_async()).data

    async def refund(key: str) -> Any:
        return await client.v1.refunds.create_async(
            {"payment_intent": intent.id}, options={"idempotency_key": key}
        )

    for outcome in (None, "won"):
        if outcome:
            data = {"outcome": outcome}
            await stripe_http.post(f"/_control/disputes/{dispute.id}", data=data)
        with pytest.raises(stripe.InvalidRequestError) as raised:
            await refund("refund-1")
        assert error_of(raised).code == "charge_disputed"
    assert (await refund("refund-2")).status == "succeeded"


async def test_same_key_with_other_parameters_is_rejected(pay: Pay) -> None:
    """IDEMPOTENCY: incoming parameters are compared, and differing ones are an error."""
    await pay("pm_card_visa", key="order-1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as raised:
        await pay("pm_card_visa", key="order-1", amount=3000)
    assert error_of(raised).http_status == 400
    assert error_of(raised).error.type == "idempotency_error"


async def test_same_key_at_another_endpoint_is_rejected(client: Any, pay: Pay) -> None:
    """LOW_LEVEL: a key belongs to the request that it was first used for."""
    intent = await pay("pm_card_visa", key="order-1")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await client.v1.refunds.create_async(
            {"payment_intent": intent.id}, options={"idempotency_key": "order-1"}
        )


async def test_failed_validation_does_not_use_the_key(pay: Pay) -> None:
    """IDEMPOTENCY: results are saved only after the execution of an endpoint begins."""
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", key="order-1", amount=1)
    assert (await pay("pm_card_visa", key="order-1")).status == "succeeded"


async def test_rate_limited_request_does_not_use_the_key(
    pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """LOW_LEVEL: the rate limiter runs before the idempotency layer."""
    await stripe_http.post("/_control/faults", json={"kind": "error", "status": 429})
    with pytest.raises(stripe.RateLimitError):
        await pay("pm_card_visa", key="order-1")
    assert (await pay("pm_card_visa", key="order-1")).status == "succeeded"


async def test_concurrent_requests_with_one_key_conflict(
    stripe_http: httpx.AsyncClient, pay: Pay, client: Any
) -> None:
    """ERRORS: 409, the request conflicts with another, perhaps by using the same key."""
    refund = {"charge": (await pay("pm_card_visa")).latest_charge}
    await stripe_http.post("/_control/faults", json={"kind": "delay", "seconds": 4})

    async def refund_it() -> int:
        response = await stripe_http.post(
            "/v1/refunds", data=refund, headers={"Idempotency-Key": "refund-1"}
        )
        return response.status_code

    assert sorted(await asyncio.gather(refund_it(), refund_it())) == [200, 409]
    assert await refund_it() == 200
    assert len((await client.v1.refunds.list_async()).data) == 1


async def test_key_has_at_most_255_characters(pay: Pay) -> None:
    """IDEMPOTENCY: idempotency keys are up to 255 characters long."""
    assert (await pay("pm_card_visa", key="k" * 255)).status == "succeeded"
    with pytest.raises(stripe.IdempotencyError):
        await pay("pm_card_visa", key="k" * 256)


async def test_key_expires_after_a_day(
    client: Any, pay: Pay, stripe_http: httpx.AsyncClient
) -> None:
    """IDEMPOTENCY: keys can be removed after 24 hours; a key reused then makes a new request."""
    first = await pay("pm_card_visa", key="order-1")
    await stripe_http.post("/_control/idempotency_keys/age", json={"hours": 23})
    assert (await pay("pm_card_visa", key="order-1")).id == first.id
    await stripe_http.post("/_control/idempotency_keys/age", json={"hours": 1})
    second = await pay("pm_card_visa", key="order-1")
    assert second.id != first.id
    assert (await pay("pm_card_visa", key="order-1")).id == second.id
