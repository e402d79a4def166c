"""Server-sent events: a feed's news, for browsers.

FastAPI sends a comment through a stream that has been silent for 15 seconds, tells proxies not to
keep what passes, and ends the stream's generator when its reader goes away.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from pymongo.errors import PyMongoError

from ticketing_common.background import background
from ticketing_common.messaging.feed import Feed, Subscriber
from ticketing_common.web.sessions import COOKIE, CurrentUser, Sessions

LAST_EVENT_ID = "Last-Event-ID"
SESSION_SECONDS = 15
"""How long a stream may outlive the session that it was begun in."""
NOWHERE = -1
"""A place that no stream has."""


def _feed(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


async def _note_position(request: Request, response: Response) -> None:
    if (position := _feed(request).position) is not None:
        response.headers[LAST_EVENT_ID] = str(position)


sends_last_event_id = Depends(_note_position)
"""For a route that tells what there is: its answer's Last-Event-ID is where the stream goes on.

It is taken before the route reads anything, so the stream tells whatever the route did not see.
"""


async def _position(
    reconnecting: Annotated[str | None, Header(alias=LAST_EVENT_ID)] = None,
    connecting: Annotated[
        str | None,
        Query(
            alias="lastEventId",
            max_length=40,
            description="From the Last-Event-ID header of what the page shows. The header of the "
            "same name, which a browser sends when it reconnects, counts more.",
        ),
    ] = None,
) -> int:
    text = reconnecting or connecting or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else NOWHERE


Position = Annotated[int, Depends(_position)]
"""The place in the stream up to which the caller knows everything."""


async def _watch(request: Request) -> AsyncIterator[Subscriber]:
    with _feed(request).watcher() as watcher:
        yield watcher


FeedSubscriber = Annotated[Subscriber, Depends(_watch)]
"""The news of everything, for everybody. A 503 where too many watch."""


def subscribe_to(parameter: str) -> Callable[..., AsyncIterator[Subscriber]]:
    """A dependency: the news of the document whose id is in the path, for one who is signed in.

    They end, within 15 seconds, with the caller's session. A 503 where too many watch.
    """

    async def watch(request: Request, _: CurrentUser) -> AsyncIterator[Subscriber]:
        with _feed(request).watcher(request.path_params[parameter]) as watcher:
            async with background(_end_with_session(request, watcher)):
                yield watcher

    return watch


async def _end_with_session(request: Request, watcher: Subscriber) -> None:
    sessions: Sessions = request.app.state.sessions
    session = request.cookies.get(COOKIE)
    over = False
    try:
        while not over:
            await asyncio.sleep(SESSION_SECONDS)
            # While the database is away no session can be ended either.
            with suppress(PyMongoError):
                over = await sessions.read(session) is None
    finally:
        watcher.end()


def retry_hint() -> ServerSentEvent:
    """When to reconnect. Not everybody at once, where a process has ended that many watched."""
    return ServerSentEvent(retry=1000 + secrets.randbelow(2000))


def told(name: str, data: BaseModel, position: int | None = None) -> ServerSentEvent:
    """One event; `position` is where its reader goes on after a pause."""
    return ServerSentEvent(
        event=name,
        raw_data=data.model_dump_json(by_alias=True),
        id=None if position is None else str(position),
    )
