"""A stand-in that is killed keeps everything that it has responded to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

STRIPE = "ticketing_dev.standins.stripe"
SENDGRID = "ticketing_dev.standins.sendgrid"
ORDER: dict[str, Any] = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
}
MAIL = {
    "personalizations": [{"to": [{"email": "ann@example.com"}]}],
    "from": {"email": "tickets@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hello"}],
}


async def test_stripe_keeps_charges_and_idempotency_keys_after_sigkill(
    started: Callable[..., Any], connect: Callable[..., Any], tmp_path: Path
) -> None:
    key: Any = {"idempotency_key": "order-1"}
    first = started(STRIPE, tmp_path)
    async with connect(first.url) as client:
        paid = await client.v1.payment_intents.create_async(ORDER, options=key)
    first.kill()

    second = started(STRIPE, tmp_path)
    async with connect(second.url) as client:
        charges = (await client.v1.charges.list_async()).data
        assert [charge.id for charge in charges] == [paid.latest_charge]
        again = await client.v1.payment_intents.create_async(ORDER, options=key)
        assert again.id == paid.id
        assert again.last_response.headers["Idempotent-Replayed"] == "true"


async def test_sendgrid_keeps_mails_after_sigkill(
    started: Callable[..., Any], tmp_path: Path
) -> None:
    first = started(SENDGRID, tmp_path)
    headers = {"Authorization": "Bearer SG.one"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        assert (await http.post(f"{first.url}/v3/mail/send", json=MAIL)).status_code == 202
        first.kill()
        second = started(SENDGRID, tmp_path)
        mails = (await http.get(f"{second.url}/api/mails")).json()
        assert [mail["subject"] for mail in mails] == ["Hello"]


@pytest.mark.parametrize(
    ("module", "prefix", "heading"),
    [(STRIPE, "/dev/stripe", "Stripe stand-in"), (SENDGRID, "/dev/mail", "SendGrid stand-in")],
)
async def test_pages_work_under_a_prefix(
    started: Callable[..., Any], tmp_path: Path, module: str, prefix: str, heading: str
) -> None:
    stand_in = started(module, tmp_path, "--root-path", prefix)
    async with httpx.AsyncClient(base_url=stand_in.url, timeout=20) as http:
        shown = await http.get("/")
        assert heading in shown.text
        for attribute in ('href="/', 'action="/'):
            assert attribute not in shown.text
        missing = await http.get("/v1/nonesuch")
        assert missing.status_code == 404
        assert prefix not in missing.text
        # An Ingress of Kubernetes leaves the prefix on.
        assert (await http.get(f"{prefix}/")).text == shown.text
