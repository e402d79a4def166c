"""Stripe's record of charges, as far as it tells whether ours is right."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from ticketing_ops.audit.away import Away

STRIPE = "https://api.stripe.com"
PAGE = 100
TRIES, FIRST_PAUSE_SECONDS = 4, 0.5


class Refusal(Away):
    """Stripe answers, and will not do it, for this reason."""


@dataclass(frozen=True)
class Charge:
    """A charge that names an order in its metadata, as payments' do. Amounts in minor units."""

    id: str
    amount: int
    refunded: int
    currency: str
    succeeded: bool
    intent: str | None
    order_id: str
    created: datetime

    @classmethod
    def read(cls, said: dict[str, Any]) -> Self:
        """From Stripe's JSON; `order_id` is empty where it is none of ours."""
        return cls(
            id=said["id"],
            amount=said["amount"],
            refunded=said["amount_refunded"],
            currency=said["currency"],
            succeeded=said["status"] == "succeeded",
            intent=said.get("payment_intent"),
            order_id=said.get("metadata", {}).get("order_id", ""),
            created=datetime.fromtimestamp(said["created"], UTC),
        )

    @property
    def is_kept(self) -> bool:
        """Whether any of the money is still ours."""
        return self.succeeded and self.refunded < self.amount


class StripeRecord:
    """Asks Stripe, or a stand-in. All raise Away."""

    def __init__(self, key: str, api_base: str | None) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_base or STRIPE, headers={"Authorization": f"Bearer {key}"}, timeout=20
        )

    async def charges(self, since: datetime) -> AsyncIterator[list[Charge]]:
        """Those made since then, the newest first, a page at a time."""
        asked: dict[str, str | int] = {"created[gte]": int(since.timestamp()), "limit": PAGE}
        while True:
            page = await self._ask("GET", "/v1/charges", params=asked)
            charges = [Charge.read(said) for said in page["data"]]
            if charges:
                yield charges
            if not page["has_more"]:
                return
            asked["starting_after"] = charges[-1].id

    async def charge(self, charge_id: str) -> Charge:
        """One of them."""
        return Charge.read(await self._ask("GET", f"/v1/charges/{charge_id}"))

    async def has_charged(self, intent: str) -> bool:
        """Whether a PaymentIntent has ever moved money."""
        asked = {"payment_intent": intent, "limit": PAGE}
        page = await self._ask("GET", "/v1/charges", params=asked)
        return any(Charge.read(said).succeeded for said in page["data"])

    async def refund(self, charge_id: str, order_id: str) -> None:
        """Give back what is left of a charge, once however often it is asked. Raises Refusal."""
        await self._ask(
            "POST",
            "/v1/refunds",
            data={
                "charge": charge_id,
                "metadata[order_id]": order_id,
                "metadata[why]": "No payment knows of it",
            },
            headers={"Idempotency-Key": f"audit-refund-{charge_id}"},
        )

    async def answer(self) -> None:
        """Return if Stripe answers."""
        await self._ask("GET", "/v1/charges", params={"limit": 1})

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, **sent: Any) -> Any:
        """Again where that may help: when Stripe is busy, or an answer was lost on its way."""
        pause = FIRST_PAUSE_SECONDS
        for last in (*[False] * (TRIES - 1), True):
            try:
                answer = await self._http.request(method, path, **sent)
            except httpx.HTTPError as error:
                why = f"{type(error).__name__} {error}".strip()
            else:
                if answer.is_success:
                    return answer.json()
                why = f"it said {answer.status_code}: {_message(answer)}"
                if answer.status_code not in (401, 403, 409, 429) and answer.status_code < 500:
                    raise Refusal("Stripe", why)
            if not last:
                await asyncio.sleep(pause)
                pause *= 2
        raise Away("Stripe", why)


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, LookupError):
        return answer.reason_phrase
