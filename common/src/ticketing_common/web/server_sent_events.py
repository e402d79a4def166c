"""Server-sent events: a feed as a stream for browsers.

FastAPI sends a comment through a stream that has been idle for 15 seconds, asks proxies not to
buffer it, and closes the generator when the client disconnects.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from pymongo.errors import PyMongoError

from ticketing_common.background import background
from ticketing_common.messaging.feed import Feed, Subscriber
from ticketing_common.web.sessions import COOKIE, CurrentUser, Sessions

LAST_EVENT_ID_HEADER = "Last-Event-ID"
SESSION_CHECK_SECONDS = 15
"""How long a stream may outlive the session in which it was opened."""
UNKNOWN_POSITION = -1


def _feed(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


def last_event_id(request: Request) -> dict[str, str]:
    """Return the `Last-Event-ID` header, where the stream continues after a current state.

    Call it before reading any data, so that the stream misses nothing.
    """
    position = _feed(request).position
    return {} if position is None else {LAST_EVENT_ID_HEADER: str(position)}


async def _position(
    reconnecting: Annotated[str | None, Header(alias=LAST_EVENT_ID_HEADER)] = None,
    connecting: Annotated[
        str | None,
        Query(
            alias="lastEventId",
            max_length=40,
            description="The `Last-Event-ID` header of the list or the ticket that the page shows. "
            "The request header of the same name, which a browser sends when it reconnects, has "
            "precedence.",
        ),
    ] = None,
) -> int:
    text = reconnecting or connecting or ""
    if text.isascii() and text.isdecimal() and len(text) < 20:
        return int(text)
    return UNKNOWN_POSITION


Position = Annotated[int, Depends(_position)]
"""The position up to which the client knows all events."""


async def _subscribe(request: Request) -> AsyncIterator[Subscriber]:
    with _feed(request).subscribe() as subscriber:
        yield subscriber


FeedSubscriber = Annotated[Subscriber, Depends(_subscribe)]
"""A subscription to the whole feed, which needs no session. A 503 if there are too many."""


def subscribe_to(parameter: str) -> Callable[..., AsyncIterator[Subscriber]]:
    """Return a dependency: a signed-in user's subscription to the aggregate in the path.

    The subscription ends within 15 seconds after the session. A 503 if there are too many.
    """

    async def subscribe(request: Request, _: CurrentUser) -> AsyncIterator[Subscriber]:
        with _feed(request).subscribe(request.path_params[parameter]) as subscriber:
            async with background(_close_with_session(request, subscriber)):
                yield subscriber

    return subscribe


async def _close_with_session(request: Request, subscriber: Subscriber) -> None:
    sessions: Sessions = request.app.state.sessions
    token = request.cookies.get(COOKIE)
    ended = False
    try:
        while not ended:
            await asyncio.sleep(SESSION_CHECK_SECONDS)
            # While the database is unavailable, no session can be ended either.
            with suppress(PyMongoError):
                ended = await sessions.read(token) is None
    finally:
        subscriber.close()


def retry_hint() -> ServerSentEvent:
    """Return when to reconnect. Random, so that a restart does not reconnect all at once."""
    return ServerSentEvent(retry=1000 + secrets.randbelow(2000))


def sse_event(name: str, data: BaseModel, position: int | None = None) -> ServerSentEvent:
    """Return one event. `position` is its id, where a client continues after a disconnect."""
    return ServerSentEvent(
        event=name,
        raw_data=data.model_dump_json(by_alias=True),
        id=None if position is None else str(position),
    )
