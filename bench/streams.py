"""Server-sent event streams: the cost of one event for many browsers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from bench.load import Connection, request
from bench.report import Figure, console
from bench.stack import Stack, cpu_seconds

BROWSERS = 300
EVENTS = 40
SETTLE_SECONDS = 3


async def measure_streams() -> list[Figure]:
    """Measure the CPU time of tickets for one event, with open streams and without."""
    with Stack.running("--no-client") as stack:
        url = f"{stack.address('tickets')}/api/tickets"
        [seller] = stack.sign_up(1)
        create = request("POST", url, seller.headers, {"title": "Rock Festival", "price": 20})
        await _create(url, create)  # the first ones warm the service up
        alone = await _cpu_per_event(stack, url, create)
        async with AsyncExitStack() as browsers:
            received = [
                await browsers.enter_async_context(_open_stream(f"{url}/stream"))
                for _ in range(BROWSERS)
            ]
            await asyncio.sleep(SETTLE_SECONDS)
            with_streams = await _cpu_per_event(stack, url, create)
            events = sum(each.count(b"event: appeared") for each in received)
    console.print(f"  {events} of {BROWSERS * EVENTS} events received")
    cost = (with_streams - alone) * 1000
    detail = (
        f"{events} of {BROWSERS * EVENTS} events received; {alone * 1000:.1f} ms without streams"
    )
    name = f"CPU of one event for {BROWSERS} browsers"
    return [
        Figure.at_most("Streams", name, cost, "ms", 15, detail),
        Figure("Streams", "events received", events, "", BROWSERS * EVENTS),
    ]


async def _cpu_per_event(stack: Stack, url: str, create: bytes) -> float:
    process = [stack.process("tickets")]
    before = cpu_seconds(process)
    await _create(url, create)
    await asyncio.sleep(SETTLE_SECONDS)
    return (cpu_seconds(process) - before) / EVENTS


async def _create(url: str, create: bytes) -> None:
    connection = await Connection.open(url)
    for _ in range(EVENTS):
        answer = await connection.send(create)
        assert answer.status == 201, answer
        await asyncio.sleep(0.05)  # one event at a time
    connection.close()


@asynccontextmanager
async def _open_stream(url: str) -> AsyncIterator[bytearray]:
    """Read a stream beside the block, into the buffer that it yields."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request("GET", url, {"Accept": "text/event-stream"}))
    received = bytearray()

    async def read() -> None:
        while data := await reader.read(65536):
            received.extend(data)

    reading = asyncio.create_task(read())
    try:
        yield received
    finally:
        reading.cancel()
        writer.close()
