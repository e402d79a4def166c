"""A load generator for one request."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticketing_testing.timeouts import TIMEOUT_SECONDS


@dataclass
class Response:
    """A response; the status is 0 if there was none."""

    status: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class LoadGenerator:
    """Posts the same body in one session again and again, each time on a new connection."""

    def __init__(self, host: str, path: str, cookie: str, body: object) -> None:
        self._host, _, port = host.partition(":")
        self._port = int(port)
        content = json.dumps(body)
        self._request = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}"
        ).encode()

    async def send(self) -> Response:
        """Send one request."""
        start = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(self._request)
                    received = await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return Response(0, time.monotonic() - start)
        return _parse(received, time.monotonic() - start)

    async def run_closed_loop(self, clients: int, seconds: float) -> list[Response]:
        """Send from so many clients, each of which waits for its response: the full capacity."""
        end = time.monotonic() + seconds
        responses: list[Response] = []

        async def client() -> None:
            while time.monotonic() < end:
                responses.append(await self.send())

        await asyncio.gather(*(client() for _ in range(clients)))
        return responses

    async def run_open_loop(self, rate: float, seconds: float) -> list[Response]:
        """Send so many requests per second, without waiting for responses."""
        start = time.monotonic()
        sent: list[asyncio.Task[Response]] = []
        while (passed := time.monotonic() - start) < seconds:
            while len(sent) < passed * rate:
                sent.append(asyncio.create_task(self.send()))
            await asyncio.sleep(0.005)
        return await asyncio.gather(*sent)


def _parse(received: bytes, seconds: float) -> Response:
    head, _, content = received.partition(b"\r\n\r\n")
    if not head:
        return Response(0, seconds)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return Response(int(first.split()[1]), seconds, headers, json.loads(content))
