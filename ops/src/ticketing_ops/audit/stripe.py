"""The charges of a Stripe account."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from ticketing_ops.audit.errors import StoreUnavailable

STRIPE = "https://api.stripe.com"
PAGE = 100
ATTEMPTS, FIRST_BACKOFF_SECONDS = 4, 0.5


class StripeRefused(StoreUnavailable):
    """Stripe rejects the request."""


@dataclass(frozen=True)
class Charge:
    """A charge. Amounts are in minor units."""

    id: str
    amount: int
    refunded: int
    currency: str
    succeeded: bool
    intent: str | None
    order_id: str
    """Empty for a charge that no order of this system made."""
    created: datetime

    @classmethod
    def parse(cls, charge: dict[str, Any]) -> Self:
        """Convert Stripe's JSON."""
        return cls(
            id=charge["id"],
            amount=charge["amount"],
            refunded=charge["amount_refunded"],
            currency=charge["currency"],
            succeeded=charge["status"] == "succeeded",
            intent=charge.get("payment_intent"),
            order_id=charge.get("metadata", {}).get("order_id", ""),
            created=datetime.fromtimestamp(charge["created"], UTC),
        )

    @property
    def is_kept(self) -> bool:
        """Whether any of the money is not refunded."""
        return self.succeeded and self.refunded < self.amount


class StripeCharges:
    """Client for Stripe's charges and refunds. Every method raises StoreUnavailable."""

    def __init__(self, key: str, api_base: str | None) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_base or STRIPE, headers={"Authorization": f"Bearer {key}"}, timeout=20
        )

    async def since(self, time: datetime) -> AsyncIterator[list[Charge]]:
        """Yield the charges made since a time, newest first, in pages."""
        query: dict[str, str | int] = {"created[gte]": int(time.timestamp()), "limit": PAGE}
        while True:
            page = await self._request("GET", "/v1/charges", params=query)
            charges = [Charge.parse(charge) for charge in page["data"]]
            if charges:
                yield charges
            if not page["has_more"]:
                return
            query["starting_after"] = charges[-1].id

    async def get(self, charge_id: str) -> Charge:
        """Return one charge."""
        return Charge.parse(await self._request("GET", f"/v1/charges/{charge_id}"))

    async def has_succeeded(self, intent: str) -> bool:
        """Return whether a PaymentIntent has a successful charge."""
        query = {"payment_intent": intent, "limit": PAGE}
        page = await self._request("GET", "/v1/charges", params=query)
        return any(Charge.parse(charge).succeeded for charge in page["data"])

    async def refund(self, charge_id: str, order_id: str) -> None:
        """Refund the rest of a charge, once however often it is called. Raises StripeRefused."""
        await self._request(
            "POST",
            "/v1/refunds",
            data={
                "charge": charge_id,
                "metadata[order_id]": order_id,
                "metadata[reason]": "The charge has no payment",
            },
            headers={"Idempotency-Key": f"audit-refund-{charge_id}"},
        )

    async def ping(self) -> None:
        """Check that Stripe is available and accepts the key."""
        await self._request("GET", "/v1/charges", params={"limit": 1})

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _request(self, method: str, path: str, **request: Any) -> Any:
        """Send a request, and retry it when Stripe is busy or the response is lost."""
        backoff = FIRST_BACKOFF_SECONDS
        for is_last in (*[False] * (ATTEMPTS - 1), True):
            try:
                response = await self._http.request(method, path, **request)
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__} {error}".strip()
            else:
                if response.is_success:
                    return response.json()
                reason = f"status {response.status_code}: {_message(response)}"
                is_temporary = response.status_code in (401, 403, 409, 429)
                if not is_temporary and response.status_code < 500:
                    raise StripeRefused("Stripe", reason)
            if not is_last:
                await asyncio.sleep(backoff)
                backoff *= 2
        raise StoreUnavailable("Stripe", reason)


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, LookupError):
        return response.reason_phrase
