import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ticketing_common.web.middleware import concurrency_limit
from ticketing_common.web.middleware.concurrency_limit import (
    ConcurrencyLimitMiddleware,
    ServiceOverloaded,
    Turns,
    uncounted,
)

LIMIT = 2


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency_limit, "MAX_CONCURRENT_REQUESTS", LIMIT)


@pytest.fixture
def one_second_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency_limit, "FIRST_ESTIMATE_SECONDS", 1)


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
            for _ in range(20):  # each step needs one turn of the loop
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


@pytest.mark.usefixtures("one_second_turns")
async def test_request_is_refused_at_once_if_its_turn_would_come_too_late(
    app: BlockedApp, send_request: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency_limit, "MAX_WAIT_SECONDS", 3)
    accepted = [await send_request(f"/{name}") for name in "abcde"]

    refused = await (await send_request("/f"))

    assert refused.status_code == 503
    assert refused.json()["errors"][0]["code"] == "overloaded"
    assert int(refused.headers["Retry-After"]) > 0
    app.end("/a", "/b", "/c", "/d", "/e")
    assert {(await task).status_code for task in accepted} == {200}
    assert "/f" not in app.started


async def test_request_is_refused_when_its_turn_does_not_come(
    app: BlockedApp, send_request: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency_limit, "MAX_WAIT_SECONDS", 0.05)
    for name in "ab":
        await send_request(f"/{name}")

    refused = await (await send_request("/c"))

    assert refused.status_code == 503
    app.end("/a", "/b")
    app.end("/d")
    assert (await (await send_request("/d"))).status_code == 200
    assert app.started == ["/a", "/b", "/d"]


async def test_request_whose_client_has_gone_leaves_its_turn_to_the_next(
    app: BlockedApp, send_request: Request
) -> None:
    tasks = [await send_request(f"/{name}") for name in "abcd"]

    tasks[2].cancel()
    app.end("/a")
    await tasks[0]
    app.end("/d")

    assert (await tasks[3]).status_code == 200
    assert app.started == ["/a", "/b", "/d"]


async def test_turn_of_a_cancelled_request_is_passed_on() -> None:
    turns = Turns()
    assert turns.start_now()
    assert turns.start_now()
    first, second = (asyncio.create_task(turns.wait()) for _ in range(2))
    await asyncio.sleep(0)

    turns.finish()  # gives the turn to the first one, which is cancelled before it runs
    first.cancel()

    await second
    assert first.cancelled() or isinstance(first.exception(), asyncio.CancelledError)
    assert turns.in_progress == LIMIT


async def test_uncounted_request_leaves_its_turn(app: BlockedApp, send_request: Request) -> None:
    waiting = [await send_request("/uncounted") for _ in range(3)]
    app.end("/a")

    assert (await (await send_request("/a"))).status_code == 200

    app.end("/uncounted")
    assert {(await task).status_code for task in waiting} == {200}


async def test_refused_clients_return_at_the_rate_at_which_they_can_be_served() -> None:
    turns = Turns()
    while turns.start_now():
        pass
    waits = [asyncio.create_task(turns.wait()) for _ in range(1200)]
    await asyncio.sleep(0)
    refused: Counter[int] = Counter()
    for wait in waits:
        if wait.done():
            error = wait.exception()
            assert isinstance(error, ServiceOverloaded)
            assert error.retry_after is not None
            refused[error.retry_after] += 1
        else:
            wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)

    per_second = 1 / concurrency_limit.FIRST_ESTIMATE_SECONDS
    assert sum(refused.values()) == 1200 - per_second * concurrency_limit.MAX_WAIT_SECONDS
    assert min(refused) >= concurrency_limit.MAX_WAIT_SECONDS
    assert max(refused.values()) < 2 * per_second
    assert sum(refused[second] for second in range(2, 9)) < 7 * per_second


async def test_retry_after_has_a_maximum() -> None:
    turns = Turns()
    delays = [turns._retry_after() for _ in range(10_000)]

    assert max(delays) <= concurrency_limit.MAX_RETRY_AFTER_SECONDS + 1
    assert max(Counter(delays).values()) < len(delays) / 10


async def test_slow_turns_are_measured() -> None:
    turns = Turns()
    while turns.start_now():
        pass
    for _ in range(20):
        waiting = asyncio.create_task(turns.wait())
        others = asyncio.create_task(turns.wait())
        await asyncio.sleep(0.02)
        turns.finish()
        await waiting
        await asyncio.sleep(0.02)
        turns.finish()
        await others

    assert turns._seconds_per_turn > 1.2 * concurrency_limit.FIRST_ESTIMATE_SECONDS
