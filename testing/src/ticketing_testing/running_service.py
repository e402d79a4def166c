"""A service that runs on a real server in the test's own process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from ticketing_common.messaging.broker import Broker
from ticketing_common.messaging.feed import Feed
from ticketing_common.sessions.cutoffs import SessionCutoffs
from ticketing_common.web.http_protocol import HttpProtocol
from ticketing_common.web.sessions import Sessions, SessionUser
from ticketing_testing.bus import Bus
from ticketing_testing.factories import session_token
from ticketing_testing.http import NO_TLS
from ticketing_testing.timeouts import TIMEOUT_SECONDS, eventually


class RunningService:
    """A running service, its URL and its message broker."""

    def __init__(self, app: FastAPI, url: str, bus: Bus | None, stack: AsyncExitStack) -> None:
        self.app = app
        self.url = url
        self._bus = bus
        self._stack = stack

    @property
    def bus(self) -> Bus:
        """The service's message broker."""
        assert self._bus is not None, "the service runs without a bus"
        return self._bus

    async def client(self, user: SessionUser | None = None) -> httpx.AsyncClient:
        """Return an HTTP client of the service, signed in as `user`."""
        cookies = {}
        if user is not None:
            sessions: Sessions = self.app.state.sessions
            cookies[sessions.cookie] = session_token(user)
        client = httpx.AsyncClient(
            base_url=self.url, cookies=cookies, timeout=TIMEOUT_SECONDS, verify=NO_TLS
        )
        return await self._stack.enter_async_context(client)


@asynccontextmanager
async def serve_app(app: FastAPI, bus: Bus | None = None) -> AsyncIterator[RunningService]:
    """Serve the app on a free port for the block."""
    # asyncio turns Nagle's algorithm off only where a socket declares that it uses TCP.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=5,
        # Longer than the clients keep a connection: else one may be closed as it is used again.
        timeout_keep_alive=60,
        access_log=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    if bus is not None:
        await bus.provision(app.state.listeners)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: _has_started(server, task))
        if bus is not None:
            broker: Broker = app.state.broker
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await broker.ready()
            follower: SessionCutoffs | None = app.state.follower
            if follower is not None:
                await eventually(lambda: _is_loaded(follower))
            feed: Feed | None = app.state.feed
            if feed is not None:
                await eventually(lambda: _is_live(feed))
        url = "http://{}:{}".format(*listener.getsockname())
        async with AsyncExitStack() as stack:
            yield RunningService(app, url, bus, stack)
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _has_started(server: uvicorn.Server, task: asyncio.Task[None]) -> bool:
    if task.done():
        raise RuntimeError("The service did not start. Its log has the reason.")
    return server.started


async def _is_live(feed: Feed) -> bool:
    return feed.is_live


async def _is_loaded(cutoffs: SessionCutoffs) -> bool:
    return cutoffs.is_loaded
