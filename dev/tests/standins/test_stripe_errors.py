"""Errors in Stripe's shape, and details that the API does not expose."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Pay = Callable[..., Any]


@pytest.mark.parametrize(
    "body",
    [
        b"amount=2000",
        b"amount[a]=1&currency=usd",
        b"amount=1&amount[a]=2",
        b"amount=2000&currency[]=usd",
        b"amount=2000&currency=xxx",
        b"amount=" + b"9" * 400 + b"&currency=usd",
        b"amount=2000&currency=usd&confirm=maybe",
        b"amount=2000&currency=usd&confirm=true",
        b"amount=2000&currency=usd&metadata=flat",
        b"amount=2000&currency=usd&metadata[a][b]=deep",
        b"amount=2000&currency=usd&description=",
        b"amount=2000&currency=usd&receipt_email=nobody",
        b"amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_data[type]=card",
        b"amount=2000&currency=usd&payment_method_data[type]=card&payment_method_data[card][number]=4242",
        b"amount=2000&currency=usd&expand[]=nothing",
        b"[=&]=[&a[[b]]]=1",
        b"\xff\xfe",
        b"a" + b"[x]" * 5000 + b"=1",
    ],
)
async def test_invalid_parameters_are_a_400_in_stripes_shape(
    stripe_http: httpx.AsyncClient, body: bytes
) -> None:
    response = await stripe_http.post("/v1/payment_intents", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nonesuch", 404), ("DELETE", "/v1/charges", 405)]
)
async def test_unknown_route_has_stripes_error_shape(
    stripe_http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await stripe_http.request(method, path)
    assert response.status_code == status
    assert "Unrecognized request URL" in response.json()["error"]["message"]


async def test_requested_api_version_is_returned(
    stripe_http: httpx.AsyncClient,
) -> None:
    response = await stripe_http.get("/v1/charges", headers={"Stripe-Version": "2024-06-20"})
    assert response.headers["Stripe-Version"] == "2024-06-20"


async def test_idempotency_keys_are_separate_per_api_key(
    stripe_url: str, connect: Callable[..., Any]
) -> None:
    made = set()
    for api_key in ("sk_test_one", "sk_test_two"):
        async with connect(stripe_url, api_key) as client:
            intent = await client.v1.payment_intents.create_async(
                {"amount": 2000, "currency": "usd"}, options={"idempotency_key": "order-1"}
            )
            made.add(intent.id)
    assert len(made) == 2


async def test_test_card_is_not_exposed(client: Any, stripe_http: httpx.AsyncClient) -> None:
    method = await client.v1.payment_methods.create_async(
        {"type": "card", "card": {"token": "tok_visa_chargeDeclined"}}
    )
    assert method.card.last4 == "0002"
    shown = await stripe_http.get(f"/v1/payment_methods/{method.id}")
    assert "chargeDeclined" not in shown.text


async def test_healthz_returns_200(stripe_http: httpx.AsyncClient) -> None:
    assert (await stripe_http.get("/healthz")).status_code == 200
