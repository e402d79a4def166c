"""Programs beside the service under test, each in a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ticketing_dev.parts import Part
from ticketing_dev.process import Process


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables that a service reads these settings from."""
    return {name.upper(): str(value) for name, value in settings.items()}


@asynccontextmanager
async def beside(part: Part) -> AsyncIterator[Process]:
    """The part, ready, until the block ends; the test's own event loop goes on meanwhile."""
    process = Process(part)
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
        """Have the next requests go wrong: `ticketing_dev.stand_ins.faults.Fault` says how."""
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
        return httpx.AsyncClient(base_url=self.url, headers=self._headers, timeout=20)
