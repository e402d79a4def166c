"""A stream of server-sent events, as a browser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ticketing_testing.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Told:
    """One event of a stream."""

    name: str
    data: Any
    id: str | None = None


class Stream:
    """An open stream. Its reading never waits longer than it is told to."""

    def __init__(self, response: httpx.Response) -> None:
        self.headers = response.headers
        self.last_id: str | None = None
        self.retry: int | None = None
        self._lines = response.aiter_lines()

    async def next(self) -> Told:
        """The next event. Raises StopAsyncIteration where the stream has ended."""
        fields: dict[str, str] = {}
        while True:
            line = await self.line()
            if line and not line.startswith(":"):
                field, _, value = line.partition(": ")
                fields[field] = value
            elif not line and "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                data = json.loads(fields["data"])
                return Told(fields.get("event", "message"), data, fields.get("id"))
            elif not line and "retry" in fields:
                self.retry = int(fields.pop("retry"))

    async def take(self, count: int) -> list[Told]:
        return [await self.next() for _ in range(count)]

    async def line(self) -> str:
        """The next line, whatever it is."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await anext(self._lines)

    async def ended(self) -> bool:
        """Wait until it is over; gives whether it ended as a stream should."""
        try:
            while True:
                await self.line()
        except StopAsyncIteration:
            return True
        except httpx.RemoteProtocolError:
            return False


@asynccontextmanager
async def watching(
    http: httpx.AsyncClient, path: str, *, last_id: str | None = None, **params: str
) -> AsyncIterator[Stream]:
    """The stream at a path, gone on from an id as a browser that reconnects does."""
    headers: Mapping[str, str] = {} if last_id is None else {"Last-Event-ID": last_id}
    async with http.stream("GET", path, headers=headers, params=params) as response:
        assert response.status_code == 200, await response.aread()
        stream = Stream(response)  # kept here: its reading ends with the last who knows it
        yield stream
