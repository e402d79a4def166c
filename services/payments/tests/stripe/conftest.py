"""Stripe's events, and a function that posts them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from services.payments.tests.signing import signature_headers

from ticketing_testing import RunningService
from ticketing_testing.standins import StripeStandInClient


@pytest.fixture
async def post_event(payments: RunningService) -> Callable[..., Awaitable[httpx.Response]]:
    """A function that posts a signed event as Stripe does."""
    client = await payments.client()

    async def post(event: dict[str, Any] | str) -> httpx.Response:
        body = event if isinstance(event, str) else json.dumps(event)
        headers = signature_headers(body)
        return await client.post("/api/payments/webhook", content=body, headers=headers)

    return post


@pytest.fixture
def events_of(stripe: StripeStandInClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """A function that returns Stripe's events of an order, the oldest first."""

    async def events(purchase: Any, *types: str) -> list[dict[str, Any]]:
        listed = (await stripe.get("/v1/events", limit=100))["data"]
        return [
            event
            for event in reversed(listed)
            if purchase.order.id in json.dumps(event) and (not types or event["type"] in types)
        ]

    return events


@pytest.fixture
def latest_event(stripe: StripeStandInClient) -> Callable[[str], Awaitable[dict[str, Any]]]:
    """A function that returns Stripe's latest event of a type."""

    async def latest(event_type: str) -> dict[str, Any]:
        event: dict[str, Any] = (await stripe.get("/v1/events", type=event_type, limit=1))["data"][
            0
        ]
        return event

    return latest
