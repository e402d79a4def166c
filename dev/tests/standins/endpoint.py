"""A webhook endpoint on a real socket, that notes what it hears and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ticketing_testing.timeouts import TIMEOUT_SECONDS

SECRET = "whsec_of_the_tests"


@dataclass(frozen=True)
class FeedEvent:
    """One POST."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass
class Listening:
    """What was heard so far; the statuses to answer next, then 200."""

    url: str = ""
    heard: list[FeedEvent] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.heard]

    async def hears(self, number: int) -> list[FeedEvent]:
        """The first so many, once they have come."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(self.heard) < number:
                self.news.clear()
                await self.news.wait()
        return self.heard[:number]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        named = [line.partition(": ") for line in lines[1:] if line]
        headers = {name.lower(): value for name, _, value in named}
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append(FeedEvent(headers, body))
        self.news.set()
        status = self.answers.pop(0) if self.answers else 200
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n".encode())
        writer.write(b"Connection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Listening]:
    listener = Listening()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", port)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield listener
    finally:
        server.close()
        await server.wait_closed()
