"""A load generator: a few keep-alive connections that send prepared HTTP/1.1 requests.

Its own cost is small beside that of a server: about 20 microseconds a request.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

TIMEOUT_SECONDS = 30


def request(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: Any = None
) -> bytes:
    """Return the bytes of a request with a JSON body, if there is one."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Answer:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection: sends a request, waits for its response, sends the next one."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, parts.hostname or "", parts.port or 80)
        return connection

    async def send(self, request: bytes) -> Answer:
        """Return the response. Raises: ConnectionError, TimeoutError."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), self._headers, bytes(self._body))
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)


@dataclass
class Measured:
    """Responses of one round of load."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Successful responses a second."""
        good = sum(count for status, count in self.statuses.items() if status < 400)
        return good / self.seconds

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 400)


async def load(
    connections: Sequence[Connection], requests: Iterator[bytes], seconds: float
) -> Measured:
    """Send requests on all connections for a time; each takes the next one.

    Raises: RuntimeError if there are not enough requests.
    """
    measured = Measured()
    start = time.perf_counter()

    async def send_until_end(connection: Connection) -> None:
        while (before := time.perf_counter()) < start + seconds:
            answer = await connection.send(next(requests))
            measured.latencies.append(time.perf_counter() - before)
            measured.statuses[answer.status] += 1

    await asyncio.gather(*map(send_until_end, connections))
    measured.seconds = time.perf_counter() - start
    return measured


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile of the values, in their unit."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
