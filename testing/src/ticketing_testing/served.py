"""A service under a real server on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from ticketing_common.messaging.broker import Broker
from ticketing_common.messaging.feed import Feed
from ticketing_common.web.sessions import COOKIE, Sessions, SessionUser
from ticketing_testing.bus import Bus
from ticketing_testing.patience import PATIENCE_SECONDS, eventually
from ticketing_testing.programs import PLAIN


class Served:
    """A running service, and ways to talk to it."""

    def __init__(self, app: FastAPI, url: str, bus: Bus | None, stack: AsyncExitStack) -> None:
        self.app = app
        self.url = url
        self._bus = bus
        self._stack = stack

    @property
    def bus(self) -> Bus:
        """The service's broker, as the test sees it."""
        assert self._bus is not None, "served without a bus"
        return self._bus

    async def visitor(self, user: SessionUser | None = None) -> httpx.AsyncClient:
        """A client of the service, signed in as `user`."""
        cookies = {}
        if user is not None:
            sessions: Sessions = self.app.state.sessions
            cookies[COOKIE] = sessions.issue(user)
        client = httpx.AsyncClient(
            base_url=self.url, cookies=cookies, timeout=PATIENCE_SECONDS, verify=PLAIN
        )
        return await self._stack.enter_async_context(client)


@asynccontextmanager
async def serving(app: FastAPI, bus: Bus | None = None) -> AsyncIterator[Served]:
    """Serve the app on a free port until the block ends."""
    # asyncio turns Nagle's algorithm off only where a socket says that it speaks TCP.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=5,
        # Longer than our clients keep one: one that is closed as it is used again fails the test.
        timeout_keep_alive=60,
        access_log=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: _true_or_raise(server, task))
        if bus is not None:
            broker: Broker = app.state.broker
            async with asyncio.timeout(PATIENCE_SECONDS):
                await broker.ready()
            feed: Feed | None = app.state.feed
            if feed is not None:
                await eventually(lambda: _is_live(feed))
        url = "http://{}:{}".format(*listener.getsockname())
        async with AsyncExitStack() as stack:
            yield Served(app, url, bus, stack)
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _true_or_raise(server: uvicorn.Server, task: asyncio.Task[None]) -> bool:
    if task.done():
        raise RuntimeError("The service did not start; its log says why")
    return server.started


async def _is_live(feed: Feed) -> bool:
    return feed.is_live
