"""The signature of POST /api/payments/webhook."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from services.payments.tests.responses import error_of
from services.payments.tests.signing import signature_headers

from ticketing_testing import RunningService

INVALID_SIGNATURE = (400, "invalid_signature", "The signature does not match the body")
EVENT = {
    "id": "evt_unknown",
    "object": "event",
    "api_version": "2099-01-01.zebra",
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_other", "object": "payment_intent", "status": "succeeded"}},
}
"""An event of a payment that is not ours."""

FORGED: dict[str, Callable[[], dict[str, str]]] = {
    "no header": dict,
    "empty": lambda: {"Stripe-Signature": ""},
    "no signature": lambda: {"Stripe-Signature": "t=1"},
    "invalid form": lambda: {"Stripe-Signature": "rubbish"},
    "zeros": lambda: {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"},
    "old scheme": lambda: {
        "Stripe-Signature": signature_headers("{}")["Stripe-Signature"].replace("v1", "v0")
    },
    "another secret": lambda: signature_headers("{}", "whsec_of_another_endpoint"),
    "another body": lambda: signature_headers("{ }"),
    "too old": lambda: signature_headers("{}", at=time.time() - 301),
}


@pytest.mark.parametrize("forged", FORGED)
async def test_webhook_signature_that_is_forged_or_old_is_a_400(
    payments: RunningService, forged: str
) -> None:
    client = await payments.client()
    headers = FORGED[forged]()
    response = await client.post("/api/payments/webhook", content="{}", headers=headers)
    assert error_of(response) == INVALID_SIGNATURE


async def test_webhook_signature_of_a_body_that_is_not_text_is_a_400(
    payments: RunningService,
) -> None:
    client = await payments.client()
    headers = signature_headers("{}")
    response = await client.post("/api/payments/webhook", content=b"\xff\xfe", headers=headers)
    assert error_of(response) == INVALID_SIGNATURE


async def test_webhook_signature_that_is_not_ascii_is_a_400(payments: RunningService) -> None:
    client = await payments.client()
    headers = {b"Stripe-Signature": f"t={int(time.time())},v1=\u00e9".encode()}
    response = await client.post("/api/payments/webhook", content="{}", headers=headers)
    assert error_of(response) == INVALID_SIGNATURE


async def test_webhook_signature_covers_the_raw_body(post_event: Any) -> None:
    event = json.dumps(EVENT, indent=3, sort_keys=True)
    assert (await post_event(event)).status_code == 200


async def test_webhook_signature_of_a_secret_that_is_being_replaced_is_valid(
    payments: RunningService,
) -> None:
    """During the overlap, Stripe signs with both secrets."""
    client = await payments.client()
    body = json.dumps(EVENT)
    old, new = signature_headers(body, "whsec_old"), signature_headers(body)
    both = old["Stripe-Signature"] + "," + new["Stripe-Signature"].partition(",")[2]
    response = await client.post(
        "/api/payments/webhook", content=body, headers={"Stripe-Signature": both}
    )
    assert response.status_code == 200
