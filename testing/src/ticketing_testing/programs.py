"""Programs beside the service under test, each in a process of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing.patience import PATIENCE_SECONDS

NONE_KEPT = httpx.Limits(max_keepalive_connections=0)
"""For a client of a program that may close an idle connection just as it is used again."""

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak no TLS: each would read all authorities' certificates, for 40 ms."""


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables that a service reads these settings from."""
    return {name.upper(): str(value) for name, value in settings.items()}


@asynccontextmanager
async def beside(spec: ProcessSpec) -> AsyncIterator[Process]:
    """Run a process for the block, without blocking the event loop of the test."""
    process = Process(spec)
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.stop)


class StandIn:
    """Stripe or SendGrid, as a test sees them: look at what came in, have days be bad."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._headers = dict(headers)

    async def look(self, path: str, **params: Any) -> Any:
        """What it shows at a path."""
        async with self._client() as client:
            return (await client.get(path, params=params)).raise_for_status().json()

    async def fail(self, kind: str, **fault: Any) -> None:
        """Have the next requests go wrong: `ticketing_dev.standins.faults.Fault` says how."""
        async with self._client() as client:
            fault = {"kind": kind, **fault}
            (await client.post("/_control/faults", json=fault)).raise_for_status()

    async def has_failed(self) -> bool:
        """Whether whatever was to go wrong has begun to."""
        waiting: list[Any] = await self.look("/_control/faults")
        return not waiting

    async def recover(self) -> None:
        """Have every request go well again."""
        async with self._client() as client:
            (await client.delete("/_control/faults")).raise_for_status()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers=self._headers,
            timeout=PATIENCE_SECONDS,
            limits=NONE_KEPT,
            verify=PLAIN,
        )


class StripeStandIn(StandIn):
    """Stripe: `ticketing_dev.standins.stripe` says what each of these does."""

    async def tell(self, url: str, secret: str) -> None:
        """Deliver webhooks there from now on."""
        await self._ask("PUT", "/_control/webhooks/endpoint", json={"url": url, "secret": secret})

    async def treat_webhooks(self, **treatment: Any) -> None:
        """Hold, double, drop or reverse them: `deliveries.Treatment`. With none all goes well."""
        await self._ask("PUT", "/_control/webhooks", json=treatment)

    async def deliveries(self, **asked: Any) -> list[dict[str, Any]]:
        """Deliveries, newest first; of an `event`, in a `state`."""
        found: list[dict[str, Any]] = await self.look("/_control/webhooks/deliveries", **asked)
        return found

    async def deliver(self, event: str) -> dict[str, Any]:
        """Deliver an event once more, held back or not; returns when it has been answered."""
        path = f"/_control/webhooks/deliveries/{event}"
        delivery: dict[str, Any] = await self._ask("POST", path)
        return delivery

    async def play(self, kind: str, name: str, outcome: str | None = None) -> dict[str, Any]:
        """Play the buyer or the bank, e.g. `play("payment_intents", id, "succeed")`."""
        data = {"outcome": outcome} if outcome else {}
        played: dict[str, Any] = await self._ask("POST", f"/_control/{kind}/{name}", data=data)
        return played

    async def age_keys(self, hours: float) -> None:
        """Make every idempotency key older."""
        await self._ask("POST", "/_control/idempotency_keys/age", json={"hours": hours})

    async def recover(self) -> None:
        """Have all go well again, and tell nobody of what was not delivered yet."""
        await super().recover()
        await self._ask("DELETE", "/_control/webhooks")

    async def _ask(self, method: str, path: str, **sent: Any) -> Any:
        async with self._client() as client:
            answer = (await client.request(method, path, **sent)).raise_for_status()
        return answer.json() if answer.content else None
