"""A stream of server-sent events, read as a browser reads it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ticketing_testing.timeouts import TIMEOUT_SECONDS


@dataclass(frozen=True)
class ServerSentEvent:
    """One event of a stream."""

    name: str
    data: Any
    id: str | None = None


class EventStream:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.headers = response.headers
        self.last_id: str | None = None
        self.retry: int | None = None
        self._lines = response.aiter_lines()

    async def next_event(self) -> ServerSentEvent:
        """Return the next event.

        Raises: StopAsyncIteration where the stream has ended, TimeoutError.
        """
        fields: dict[str, str] = {}
        while True:
            line = await self.next_line()
            if line and not line.startswith(":"):
                field, _, value = line.partition(": ")
                fields[field] = value
            elif not line and "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                data = json.loads(fields["data"])
                return ServerSentEvent(fields.get("event", "message"), data, fields.get("id"))
            elif not line and "retry" in fields:
                self.retry = int(fields.pop("retry"))

    async def next_events(self, count: int) -> list[ServerSentEvent]:
        """Return the next `count` events."""
        return [await self.next_event() for _ in range(count)]

    async def next_line(self) -> str:
        """Return the next line as it was sent."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await anext(self._lines)

    async def wait_until_closed(self) -> bool:
        """Wait until the stream has ended. Returns whether it was closed properly.

        Raises: TimeoutError.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while True:
                    await self.next_line()
        except StopAsyncIteration:
            return True
        except httpx.RemoteProtocolError:
            return False


@asynccontextmanager
async def open_stream(
    http: httpx.AsyncClient, path: str, *, last_id: str | None = None, **params: str
) -> AsyncIterator[EventStream]:
    """Open the stream at a path, after an event's id as a browser does that reconnects."""
    headers: Mapping[str, str] = {} if last_id is None else {"Last-Event-ID": last_id}
    async with http.stream("GET", path, headers=headers, params=params) as response:
        assert response.status_code == 200, await response.aread()
        stream = EventStream(response)  # in a variable: its iterator closes when it is collected
        yield stream
