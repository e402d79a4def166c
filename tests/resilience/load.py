"""Requests at a pace of their own, whatever becomes of those before: what a crowd does."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticketing_testing.timeouts import TIMEOUT_SECONDS

SECONDS = TIMEOUT_SECONDS


@dataclass
class Answer:
    """Status 0 is none at all."""

    status: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class ConcurrencyLimitMiddleware:
    """People with one session, who post the same thing to one address: a connection a request."""

    def __init__(self, host: str, path: str, cookie: str, body: object) -> None:
        self._host, _, port = host.partition(":")
        self._port = int(port)
        content = json.dumps(body)
        self._request = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}"
        ).encode()

    async def ask(self) -> Answer:
        """One request."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    writer.write(self._request)
                    received = await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return Answer(0, time.monotonic() - began)
        return _read(received, time.monotonic() - began)

    async def in_turn(self, people: int, seconds: float) -> list[Answer]:
        """So many people, each of whom asks again when answered: as much as can be taken."""
        until = time.monotonic() + seconds
        answers: list[Answer] = []

        async def ask_again_and_again() -> None:
            while time.monotonic() < until:
                answers.append(await self.ask())

        await asyncio.gather(*(ask_again_and_again() for _ in range(people)))
        return answers

    async def all_the_time(self, a_second: float, seconds: float) -> list[Answer]:
        """So many requests a second, whether or not those before are answered."""
        began = time.monotonic()
        asked: list[asyncio.Task[Answer]] = []
        while (passed := time.monotonic() - began) < seconds:
            while len(asked) < passed * a_second:
                asked.append(asyncio.create_task(self.ask()))
            await asyncio.sleep(0.005)
        return await asyncio.gather(*asked)


def _read(received: bytes, seconds: float) -> Answer:
    head, _, content = received.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, seconds)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return Answer(int(first.split()[1]), seconds, headers, json.loads(content))
