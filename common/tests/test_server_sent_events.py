import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
import pytest
from common.tests.sample_service import SampleListeners, create_sample_service

from ticketing_common.events import TicketCreated, TicketUpdated
from ticketing_common.messaging.feed import Feed
from ticketing_common.settings import SessionSettings
from ticketing_common.web import server_sent_events
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    open_stream,
    serve_app,
)
from ticketing_testing.timeouts import TIMEOUT_SECONDS

STREAM = "/api/items/stream"

Serve = Callable[..., AbstractAsyncContextManager[RunningService]]


@pytest.fixture
def serve(environment: TestEnvironment, sample: SampleListeners) -> Serve:
    """Serve the sample service with a feed of the given limits."""

    @asynccontextmanager
    async def bounded(
        limits: Mapping[str, object] = MappingProxyType({}), **bounds: int
    ) -> AsyncIterator[RunningService]:
        feed = Feed(TicketCreated, TicketUpdated, **bounds)
        settings = SessionSettings(**environment.settings() | dict(limits))
        app = create_sample_service(settings, sample.listeners, feed)
        async with environment.serve(app) as served:
            yield served

    return bounded


async def publish_titles(bus: Bus, *titles: str) -> None:
    await bus.publish(*(new_event(TicketCreated, title=title) for title in titles))


async def metric(http: httpx.AsyncClient, name: str) -> int:
    """Return a metric of the process."""
    metrics = (await http.get("/metrics")).text
    [value] = re.findall(rf"^{name} ([\d.]+)", metrics, re.MULTILINE)
    return int(float(value))


async def wait_for_metric(http: httpx.AsyncClient, name: str, wanted: int) -> None:
    async def reached() -> bool:
        assert await metric(http, name) == wanted
        return True

    await eventually(reached)


async def test_stream_sends_each_event_at_once(serve: Serve) -> None:
    async with serve() as served:
        http = await served.client()
        async with open_stream(http, STREAM) as stream:
            assert (await stream.next_event()).name == "reset"
            for title in ("a", "b", "c"):
                await publish_titles(served.bus, title)
                # The next event is published after this one has arrived: nothing buffers it.
                assert (await stream.next_event()).data["title"] == title


async def test_stream_keeps_an_idle_connection_alive(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    assert server_sent_events.PING_SECONDS == 15  # documented in the API
    monkeypatch.setattr(server_sent_events, "PING_SECONDS", 0.05)
    async with serve() as served, open_stream(await served.client(), STREAM) as stream:
        await stream.next_event()
        lines = [await stream.next_line() for _ in range(6)]
        assert lines == [": ping", ""] * 3
        await publish_titles(served.bus, "a")
        assert (await stream.next_event()).data["title"] == "a"


async def test_stream_above_the_limit_is_a_503_with_retry_after(serve: Serve) -> None:
    async with serve(max_subscribers=2) as served:
        http = await served.client()
        async with AsyncExitStack() as readers:
            for _ in range(2):
                stream = await readers.enter_async_context(open_stream(http, STREAM))
                await stream.next_event()
            refused = await http.get(STREAM)
            assert await metric(http, "sse_streams_open") == 2

        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        message = "Too many clients are connected right now. Try again soon."
        assert refused.json() == {"errors": [{"code": "too_many_subscribers", "message": message}]}
        # After a client disconnected, another one can connect.
        await wait_for_metric(http, "sse_streams_open", 0)
        async with open_stream(http, STREAM) as stream:
            await stream.next_event()


async def test_stream_drops_a_client_that_does_not_read(
    serve: Serve,
) -> None:
    async with serve(max_backlog=4) as served:
        http = await served.client()
        async with open_stream(http, STREAM) as stream:
            begin = (await stream.next_event()).id
        await wait_for_metric(http, "sse_streams_open", 0)
        dropped = await metric(http, "sse_streams_dropped_total")
        with idle_client(served.url, f"{STREAM}?padding=300000&lastEventId={begin}") as idle:
            await wait_for_metric(http, "sse_streams_open", 1)
            count = 0
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while await metric(http, "sse_streams_open"):
                    await publish_titles(served.bus, f"{count}")
                    count += 1
            assert await metric(http, "sse_streams_dropped_total") == dropped + 1
            # The buffered events arrive, then a regular end of the response.
            received = await asyncio.to_thread(read_all, idle)
        assert received.endswith(b"0\r\n\r\n")
        last_id = re.findall(rb"^id: (\d+)", received, re.MULTILINE)[-1].decode()
        seen = int(last_id) - int(begin or 0)
        assert 0 < seen < count

        async with open_stream(http, STREAM, last_id=last_id) as stream:
            resync = await stream.next_event()
            await publish_titles(served.bus, "new")
            assert (await stream.next_event()).data["title"] == "new"
        assert (resync.name, resync.id) == ("reset", f"{int(begin or 0) + count}")


def idle_client(url: str, path: str) -> socket.socket:
    """Open the stream with a small receive buffer and read nothing."""
    address = urlsplit(url)
    idle = socket.socket()
    idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    idle.settimeout(TIMEOUT_SECONDS)
    idle.connect((address.hostname, address.port))
    idle.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return idle


def read_all(idle: socket.socket) -> bytes:
    return b"".join(iter(lambda: idle.recv(1 << 20), b""))


async def test_stream_leaves_no_task_after_a_disconnect(serve: Serve) -> None:
    async with serve() as served:
        http = await served.client()
        async with open_stream(http, STREAM) as stream:
            await stream.next_event()
        await wait_for_metric(http, "sse_streams_open", 0)
        before = len(asyncio.all_tasks())
        for _ in range(20):
            async with open_stream(http, STREAM) as stream:
                await stream.next_event()
        await wait_for_metric(http, "sse_streams_open", 0)

        async def gone() -> bool:
            # The service's own come and go by a few.
            return len(asyncio.all_tasks()) < before + 20

        assert await eventually(gone)


async def test_stream_opens_while_the_broker_is_down(
    environment: TestEnvironment,
    sample: SampleListeners,
    tmp_path: Path,
    ignore_broken_connections: None,
) -> None:
    process = Process(servers.nats(free_port(), tmp_path))
    settings = SessionSettings(**environment.settings() | {"nats_url": process.spec.url})
    try:
        async with serve_app(create_sample_service(settings, sample.listeners)) as served:
            http = await served.client()
            async with open_stream(http, STREAM) as stream:
                await asyncio.to_thread(process.start)
                async with Bus.open(process.spec.url):
                    pass  # creates the streams
                assert (await stream.next_event()).name == "reset"
                for title in ("a", "b"):
                    async with Bus.open(process.spec.url) as bus:
                        await publish_titles(bus, title)
                    assert (await stream.next_event()).data["title"] == title
                    await asyncio.to_thread(process.kill)
                    await asyncio.to_thread(process.start)
    finally:
        await asyncio.to_thread(process.stop)


async def test_streams_of_one_address_do_not_refuse_another(serve: Serve) -> None:
    limits = {
        "limits_by_address_factor": 1,
        "limit_streams_by_address": 5,
        "trusted_proxies": "127.0.0.1",
    }
    async with serve(limits, max_subscribers=10) as served, AsyncExitStack() as streams:
        http = await served.client()
        for _ in range(5):
            await streams.enter_async_context(open_stream(http, STREAM))

        refused = await http.get(STREAM)

        assert refused.status_code == 429
        assert refused.json()["errors"][0]["code"] == "too_many_streams"
        assert int(refused.headers["Retry-After"]) > 0
        elsewhere = {"X-Forwarded-For": "203.0.113.7"}
        async with http.stream("GET", STREAM, headers=elsewhere) as other:
            assert other.status_code == 200
        await streams.aclose()
        await wait_for_metric(http, "sse_streams_open", 0)
        async with open_stream(http, STREAM):
            pass
