import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ticketing_common.admission import FIRST_ESTIMATE_SECONDS, MAX_WAIT_SECONDS
from ticketing_common.web.middleware import concurrency_limit
from ticketing_common.web.middleware.concurrency_limit import ConcurrencyLimitMiddleware, uncounted

LIMIT = 2


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency_limit, "MAX_CONCURRENT_REQUESTS", LIMIT)


class BlockedApp:
    """An application whose requests end when the test lets them. It records their start."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.started.append(path)
        if path == "/uncounted":
            with uncounted(scope):
                await self._end_of(path).wait()
        elif path != "/healthz":
            await self._end_of(path).wait()
        await PlainTextResponse(path)(scope, receive, send)

    def end(self, *paths: str) -> None:
        for path in paths:
            self._end_of(path).set()

    def _end_of(self, path: str) -> asyncio.Event:
        return self._ends.setdefault(path, asyncio.Event())


Request = Callable[..., Awaitable["asyncio.Task[httpx.Response]"]]


@pytest.fixture
def app() -> BlockedApp:
    return BlockedApp()


@pytest.fixture
async def send_request(app: BlockedApp) -> AsyncIterator[Request]:
    """A function that sends a request and returns its task, once it waits or has started."""
    transport = httpx.ASGITransport(ConcurrencyLimitMiddleware(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:

        async def send(path: str, method: str = "POST") -> "asyncio.Task[httpx.Response]":
            task = asyncio.create_task(client.request(method, path))
            for _ in range(20):  # each step needs one round of the loop
                await asyncio.sleep(0)
            return task

        yield send


async def test_requests_above_the_limit_start_in_the_order_of_their_arrival(
    app: BlockedApp, send_request: Request
) -> None:
    tasks = [await send_request(f"/{name}") for name in "abcde"]
    assert app.started == ["/a", "/b"]

    app.end("/b")
    await tasks[1]
    app.end("/a")
    await tasks[0]
    assert app.started == ["/a", "/b", "/c", "/d"]
    app.end("/c", "/d", "/e")

    assert {(await task).status_code for task in tasks} == {200}
    assert app.started == ["/a", "/b", "/c", "/d", "/e"]


async def test_reads_and_writes_do_not_hold_up_one_another(
    app: BlockedApp, send_request: Request
) -> None:
    for name in "abc":
        await send_request(f"/{name}", "POST")
    for name in "def":
        await send_request(f"/{name}", "GET")

    assert app.started == ["/a", "/b", "/d", "/e"]


async def test_probe_is_never_refused(app: BlockedApp, send_request: Request) -> None:
    for name in "abc":
        await send_request(f"/{name}", "GET")

    assert (await (await send_request("/healthz", "GET"))).status_code == 200


async def test_request_that_would_wait_too_long_is_refused(
    app: BlockedApp, send_request: Request
) -> None:
    accepted_count = LIMIT + round(MAX_WAIT_SECONDS / FIRST_ESTIMATE_SECONDS)
    accepted = [await send_request("/a") for _ in range(accepted_count)]

    refused = await (await send_request("/b"))

    assert refused.status_code == 503
    assert refused.json()["errors"][0]["code"] == "overloaded"
    assert int(refused.headers["Retry-After"]) >= MAX_WAIT_SECONDS
    assert "/b" not in app.started
    app.end("/a")
    await asyncio.gather(*accepted)


async def test_request_whose_client_has_gone_leaves_its_slot_to_the_next(
    app: BlockedApp, send_request: Request
) -> None:
    tasks = [await send_request(f"/{name}") for name in "abcd"]

    tasks[2].cancel()
    app.end("/a")
    await tasks[0]
    app.end("/d")

    assert (await tasks[3]).status_code == 200
    assert app.started == ["/a", "/b", "/d"]


async def test_uncounted_request_leaves_its_slot(app: BlockedApp, send_request: Request) -> None:
    waiting = [await send_request("/uncounted") for _ in range(3)]
    app.end("/a")

    assert (await (await send_request("/a"))).status_code == 200

    app.end("/uncounted")
    assert {(await task).status_code for task in waiting} == {200}
