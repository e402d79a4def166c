"""All requests: API keys, request ids, expansion and unknown resources."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


async def test_request_without_valid_api_key_is_a_401(
    stripe_url: str, connect: Callable[..., Any]
) -> None:
    """AUTHENTICATION: requests without authentication fail, and so does a made-up key."""
    async with connect(stripe_url, "rubbish") as client:
        with pytest.raises(stripe.AuthenticationError) as raised:
            await client.v1.payment_intents.list_async()
        assert error_of(raised).http_status == 401
    async with httpx.AsyncClient(base_url=stripe_url) as http:
        response = await http.get("/v1/payment_intents")
        assert response.status_code == 401
        assert response.json()["error"]["type"] == "invalid_request_error"


async def test_api_key_is_accepted_as_basic_auth(stripe_url: str) -> None:
    """AUTHENTICATION: the API key is the basic auth username, without a password."""
    async with httpx.AsyncClient(base_url=stripe_url, auth=("sk_test_one", "")) as http:
        assert (await http.get("/v1/payment_intents")).status_code == 200


async def test_every_response_has_a_request_id(client: Any, pay: Pay) -> None:
    """REQUEST_IDS: every API request has an identifier, in the header Request-Id."""
    intent = await pay("pm_card_visa")
    assert intent.last_response.request_id.startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.payment_intents.retrieve_async("pi_nonesuch")
    assert error_of(raised).request_id.startswith("req_")


async def test_ids_in_a_response_can_be_expanded(client: Any, pay: Pay) -> None:
    """EXPANDING: expand turns an id into its object, in lists through data."""
    intent = await pay("pm_card_visa", expand=["latest_charge"])
    assert intent.latest_charge.amount == 2000
    listed = await client.v1.charges.list_async(
        {"payment_intent": intent.id, "expand": ["data.payment_intent.payment_method"]}
    )
    assert listed.data[0].payment_intent.payment_method.card.last4 == "4242"


async def test_unknown_parameter_is_rejected(stripe_http: httpx.AsyncClient) -> None:
    """ERROR_CODES: parameter_unknown, the request contains unexpected parameters."""
    response = await stripe_http.post("/v1/payment_intents", data={"amuont": "2000"})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("parameter_unknown", "amuont")


async def test_unknown_intent_is_a_404(client: Any) -> None:
    """ERRORS: 404, the requested resource doesn't exist."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.payment_intents.retrieve_async("pi_nonesuch")
    assert (error_of(raised).http_status, error_of(raised).code) == (404, "resource_missing")
