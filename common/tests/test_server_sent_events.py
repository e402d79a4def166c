"""A feed's news as browsers get them: over real sockets, through everything around a route."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from common.tests.sample_service import SampleListeners, create_sample_service
from fastapi import sse

from ticketing_common.events import TicketCreated, TicketUpdated
from ticketing_common.messaging.feed import Feed
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import Bus, Served, World, an_event, eventually, serving, watching
from ticketing_testing.patience import PATIENCE_SECONDS

STREAM = "/api/items/stream"

Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(world: World, sample: SampleListeners) -> Serve:
    """Serves the sample with a feed of the given bounds."""

    @asynccontextmanager
    async def bounded(**bounds: int) -> AsyncIterator[Served]:
        feed = Feed(TicketCreated, TicketUpdated, **bounds)
        app = create_sample_service(SessionSettings(**world.settings()), sample.listeners, feed)
        async with world.serving(app) as served:
            yield served

    return bounded


async def say(bus: Bus, *titles: str) -> None:
    await bus.say(*(an_event(TicketCreated, title=title) for title in titles))


async def number(http: httpx.AsyncClient, name: str) -> int:
    """One of the process' metrics."""
    metrics = (await http.get("/metrics")).text
    [value] = re.findall(rf"^{name} ([\d.]+)", metrics, re.MULTILINE)
    return int(float(value))


async def is_number(http: httpx.AsyncClient, name: str, wanted: int) -> None:
    async def reached() -> bool:
        assert await number(http, name) == wanted
        return True

    await eventually(reached)


async def test_stream_sends_each_event_at_once(serve: Serve) -> None:
    async with serve() as served:
        http = await served.visitor()
        async with watching(http, STREAM) as stream:
            assert (await stream.next()).name == "reset"
            for title in ("a", "b", "c"):
                await say(served.bus, title)
                # The next is said only when this one has arrived, so nothing keeps any back.
                assert (await stream.next()).data["title"] == title


async def test_stream_keeps_an_idle_connection_alive(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    assert sse._PING_INTERVAL == 15  # what we tell everybody
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    async with serve() as served, watching(await served.visitor(), STREAM) as stream:
        await stream.next()
        lines = [await stream.line() for _ in range(6)]
        assert lines == [": ping", ""] * 3
        await say(served.bus, "a")
        assert (await stream.next()).data["title"] == "a"


async def test_stream_above_the_limit_is_a_503_with_retry_after(serve: Serve) -> None:
    async with serve(max_subscribers=2) as served:
        http = await served.visitor()
        async with AsyncExitStack() as readers:
            for _ in range(2):
                stream = await readers.enter_async_context(watching(http, STREAM))
                await stream.next()
            refused = await http.get(STREAM)
            assert await number(http, "sse_streams_open") == 2

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        message = "Too many clients are connected right now. Try again soon."
        assert refused.json() == {"errors": [{"code": "too_many_subscribers", "message": message}]}
        # Whoever goes makes room.
        await is_number(http, "sse_streams_open", 0)
        async with watching(http, STREAM) as stream:
            await stream.next()


async def test_stream_drops_a_client_that_does_not_read(
    serve: Serve,
) -> None:
    async with serve(max_backlog=4) as served:
        http = await served.visitor()
        async with watching(http, STREAM) as stream:
            begin = (await stream.next()).id
        await is_number(http, "sse_streams_open", 0)
        dropped = await number(http, "sse_streams_dropped_total")
        with an_idle_reader(served.url, f"{STREAM}?padding=300000&lastEventId={begin}") as idle:
            await is_number(http, "sse_streams_open", 1)
            count = 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await number(http, "sse_streams_open"):
                    await say(served.bus, f"{count}")
                    count += 1
            assert await number(http, "sse_streams_dropped_total") == dropped + 1
            # What was under way comes, and then the end, in good order.
            received = await asyncio.to_thread(read_all, idle)
        assert received.endswith(b"0\r\n\r\n")
        last_id = re.findall(rb"^id: (\d+)", received, re.MULTILINE)[-1].decode()
        seen = int(last_id) - int(begin or 0)
        assert 0 < seen < count

        async with watching(http, STREAM, last_id=last_id) as stream:
            afresh = await stream.next()
            await say(served.bus, "new")
            assert (await stream.next()).data["title"] == "new"
        assert (afresh.name, afresh.id) == ("reset", f"{int(begin or 0) + count}")


def an_idle_reader(url: str, path: str) -> socket.socket:
    """One who asks for the stream and takes no more of it than fits into a small buffer."""
    address = urlsplit(url)
    idle = socket.socket()
    idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    idle.settimeout(PATIENCE_SECONDS)
    idle.connect((address.hostname, address.port))
    idle.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return idle


def read_all(idle: socket.socket) -> bytes:
    return b"".join(iter(lambda: idle.recv(1 << 20), b""))


async def test_stream_leaves_no_task_after_a_disconnect(serve: Serve) -> None:
    async with serve() as served:
        http = await served.visitor()
        async with watching(http, STREAM) as stream:
            await stream.next()
        await is_number(http, "sse_streams_open", 0)
        before = len(asyncio.all_tasks())
        for _ in range(20):
            async with watching(http, STREAM) as stream:
                await stream.next()
        await is_number(http, "sse_streams_open", 0)

        async def gone() -> bool:
            # The service's own come and go by a few.
            return len(asyncio.all_tasks()) < before + 20

        assert await eventually(gone)


async def test_stream_opens_while_the_broker_is_down(
    world: World, sample: SampleListeners, tmp_path: Path, broken_connections: None
) -> None:
    process = Process(servers.nats(free_port(), tmp_path))
    settings = SessionSettings(**world.settings() | {"nats_url": process.spec.url})
    try:
        async with serving(create_sample_service(settings, sample.listeners)) as served:
            http = await served.visitor()
            async with watching(http, STREAM) as stream:
                await asyncio.to_thread(process.start)
                assert (await stream.next()).name == "reset"
                for title in ("a", "b"):
                    async with Bus.open(process.spec.url) as bus:
                        await say(bus, title)
                    assert (await stream.next()).data["title"] == title
                    await asyncio.to_thread(process.kill)
                    await asyncio.to_thread(process.start)
    finally:
        await asyncio.to_thread(process.stop)
