"""Clients of the stand-ins for Stripe and SendGrid."""

from collections.abc import Mapping
from typing import Any

import httpx

from ticketing_testing.http import NO_KEEPALIVE, NO_TLS
from ticketing_testing.timeouts import TIMEOUT_SECONDS


class StandInClient:
    """A client that reads the records of a stand-in, and injects faults."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._headers = dict(headers)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at a path."""
        async with self._client() as client:
            return (await client.get(path, params=params)).raise_for_status().json()

    async def add_fault(self, kind: str, **fault: Any) -> None:
        """Make the next requests fail. The fields are those of the stand-in's `Fault`."""
        async with self._client() as client:
            fault = {"kind": kind, **fault}
            (await client.post("/_control/faults", json=fault)).raise_for_status()

    async def all_faults_used(self) -> bool:
        """Return whether requests have met every fault that was added."""
        unused: list[Any] = await self.get("/_control/faults")
        return not unused

    async def reset(self) -> None:
        """Remove the faults that are left."""
        async with self._client() as client:
            (await client.delete("/_control/faults")).raise_for_status()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers=self._headers,
            timeout=TIMEOUT_SECONDS,
            limits=NO_KEEPALIVE,
            verify=NO_TLS,
        )


class StripeStandInClient(StandInClient):
    """A client that also controls Stripe's webhooks and the outcome of payments."""

    async def set_webhook_endpoint(self, url: str, secret: str) -> None:
        """Deliver webhooks to a URL from now on."""
        body = {"url": url, "secret": secret}
        await self._request("PUT", "/_control/webhooks/endpoint", json=body)

    async def set_webhook_faults(self, **faults: Any) -> None:
        """Hold, duplicate, drop or reverse webhooks; without arguments, deliver them normally.

        The arguments are the fields of the stand-in's `DeliveryFaults`.
        """
        await self._request("PUT", "/_control/webhooks", json=faults)

    async def deliveries(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the deliveries, newest first, filtered by `event` or `state`."""
        found: list[dict[str, Any]] = await self.get("/_control/webhooks/deliveries", **filters)
        return found

    async def deliver(self, event: str) -> dict[str, Any]:
        """Deliver an event once more, also one that is held. Returns after the response."""
        path = f"/_control/webhooks/deliveries/{event}"
        delivery: dict[str, Any] = await self._request("POST", path)
        return delivery

    async def set_outcome(self, kind: str, id: str, outcome: str | None = None) -> dict[str, Any]:
        """Act as the buyer or the bank, e.g. `set_outcome("payment_intents", id, "succeed")`."""
        data = {"outcome": outcome} if outcome else {}
        changed: dict[str, Any] = await self._request("POST", f"/_control/{kind}/{id}", data=data)
        return changed

    async def age_idempotency_keys(self, hours: float) -> None:
        """Make every idempotency key older."""
        await self._request("POST", "/_control/idempotency_keys/age", json={"hours": hours})

    async def reset(self) -> None:
        """Remove all faults and the undelivered webhooks."""
        await super().reset()
        await self._request("DELETE", "/_control/webhooks")

    async def _request(self, method: str, path: str, **content: Any) -> Any:
        async with self._client() as client:
            response = (await client.request(method, path, **content)).raise_for_status()
        return response.json() if response.content else None
