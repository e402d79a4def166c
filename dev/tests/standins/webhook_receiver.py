"""A webhook endpoint on a real socket that records requests and returns given statuses."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ticketing_testing.timeouts import TIMEOUT_SECONDS

SECRET = "whsec_of_the_tests"


@dataclass(frozen=True)
class ReceivedWebhook:
    """One POST."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass
class WebhookReceiver:
    """The webhooks received so far, and the statuses to return next; then 200."""

    url: str = ""
    received: list[ReceivedWebhook] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrival: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [webhook.event["type"] for webhook in self.received]

    async def wait_for(self, count: int) -> list[ReceivedWebhook]:
        """Wait until `count` webhooks have arrived; return the first `count`."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(self.received) < count:
                self.arrival.clear()
                await self.arrival.wait()
        return self.received[:count]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = [line.partition(": ") for line in lines[1:] if line]
        headers = {name.lower(): value for name, _, value in fields}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(ReceivedWebhook(headers, body))
        self.arrival.set()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n".encode())
        writer.write(b"Connection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def webhook_receiver(port: int = 0) -> AsyncIterator[WebhookReceiver]:
    """Serve an endpoint for the block."""
    receiver = WebhookReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()
