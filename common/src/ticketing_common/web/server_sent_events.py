"""Server-sent events: a feed as a stream for browsers."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from ticketing_common.background import background
from ticketing_common.limits.address import client_address
from ticketing_common.limits.streams import open_streams
from ticketing_common.messaging.feed import Feed, Filter, Subscriber
from ticketing_common.sessions.tokens import SessionUser
from ticketing_common.web.schemas import ApiModel
from ticketing_common.web.sessions import CurrentUser, Sessions

LAST_EVENT_ID_HEADER = "Last-Event-ID"
SESSION_CHECK_SECONDS = 1
"""How long a stream may outlive the session in which it was opened."""
UNKNOWN_POSITION = -1
PING_SECONDS = 15
"""How often a comment is sent, so that no proxy closes an idle stream."""
PING = b": ping\n\n"


class EventStream(Response):
    """Send encoded events to one client until they end or it disconnects.

    A stream is one task that runs once an event. FastAPI's own streams run three, which cost about
    three times as much CPU.
    """

    media_type = "text/event-stream"

    def __init__(
        self, subscriber: Subscriber, events: AsyncGenerator[bytes], status_code: int = 200
    ) -> None:
        # FastAPI documents the default of `status_code`.
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(status_code=status_code, headers=headers)
        del self.headers["Content-Length"]
        self._subscriber = subscriber
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. The subscriber is closed when the client disconnects."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        async with background(self._watch_client(receive, send)), aclosing(self._events) as events:
            await send({"type": "http.response.body", "body": _retry_hint(), "more_body": True})
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch_client(self, receive: Receive, send: Send) -> None:
        connected = True
        try:
            while connected:
                try:
                    async with asyncio.timeout(PING_SECONDS):
                        connected = (await receive())["type"] != "http.disconnect"
                except TimeoutError:
                    await send({"type": "http.response.body", "body": PING, "more_body": True})
        finally:
            self._subscriber.close()


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
            description="The `Last-Event-ID` header of the list or document that the page shows. "
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


async def _address_stream(request: Request) -> AsyncIterator[None]:
    with open_streams(request).of_address(client_address(request.scope)):
        yield


AddressStream = Annotated[None, Depends(_address_stream)]


async def _subscribe(request: Request, _: AddressStream) -> AsyncIterator[Subscriber]:
    with _feed(request).subscribe() as subscriber:
        yield subscriber


FeedSubscriber = Annotated[Subscriber, Depends(_subscribe)]
"""A subscription to the whole feed, which needs no session. A 503 if there are too many."""


def subscribe_to(parameter: str) -> Callable[..., AsyncIterator[Subscriber]]:
    """Return a dependency: a signed-in user's subscription to the aggregate in the path.

    The subscription ends within a second after the session. A 503 if there are too many.
    """

    async def subscribe(
        request: Request, _: AddressStream, user: CurrentUser
    ) -> AsyncIterator[Subscriber]:
        aggregate_id = request.path_params[parameter]
        async with _subscribe_for_session(
            request, user, lambda event: event.aggregate_id == aggregate_id
        ) as subscriber:
            yield subscriber

    return subscribe


async def _subscribe_to_own(
    request: Request, _: AddressStream, user: CurrentUser
) -> AsyncIterator[Subscriber]:
    async with _subscribe_for_session(
        request, user, lambda event: getattr(event, "user_id", None) == user.id
    ) as subscriber:
        yield subscriber


OwnSubscriber = Annotated[Subscriber, Depends(_subscribe_to_own)]
"""A signed-in user's subscription to the events with their `user_id`.

The subscription ends within a second after the session. A 503 if there are too many.
"""


@asynccontextmanager
async def _subscribe_for_session(
    request: Request, user: SessionUser, wants: Filter
) -> AsyncIterator[Subscriber]:
    streams = open_streams(request).of_account(user.id)
    with streams, _feed(request).subscribe(wants) as subscriber:
        async with background(_close_with_session(request, subscriber)):
            yield subscriber


async def _close_with_session(request: Request, subscriber: Subscriber) -> None:
    sessions: Sessions = request.app.state.sessions
    ended = False
    try:
        while not ended:
            await asyncio.sleep(SESSION_CHECK_SECONDS)
            ended = await sessions.of(request) is None
    finally:
        subscriber.close()


class ResetEventData(ApiModel):
    """The data of a `reset` event: some events are lost."""


def _retry_hint() -> bytes:
    """Return when to reconnect. Random, so that a restart does not reconnect all at once."""
    return format_sse_event(retry=1000 + secrets.randbelow(2000))


def sse_event(name: str, data: BaseModel, position: int | None = None) -> bytes:
    """Return one event. `position` is its id, where a client continues after a disconnect."""
    return format_sse_event(
        event=name,
        data_str=data.model_dump_json(by_alias=True),
        id=None if position is None else str(position),
    )
