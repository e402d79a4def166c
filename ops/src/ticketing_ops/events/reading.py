"""Reading streams without moving any service's consumer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from ticketing_common.background import background
from ticketing_common.messaging.stream_reader import StoredMessage, StreamReader, read_stored

QUEUE_SIZE = 256
RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class Message:
    """One message of a stream."""

    stream: str
    sequence: int
    time: datetime
    """When the stream stored it."""
    subject: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of_stored(cls, stream: str, message: StoredMessage) -> Self:
        """Convert a message that was read from its stream."""
        return cls(
            stream, message.sequence, message.time, message.subject, message.headers, message.data
        )

    @property
    def event_id(self) -> str:
        """The domain event's id, empty for a message that is not a domain event."""
        return self.headers.get("ce-id", "")

    @property
    def fields(self) -> Mapping[str, Any]:
        """The domain event's data, empty where the body is not a JSON object."""
        try:
            data = json.loads(self.body)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


async def read_stream(
    js: JetStreamContext, stream: str, subjects: Sequence[str], *, since: datetime | None = None
) -> AsyncGenerator[Message, None]:
    """Yield the messages that a stream has now, oldest first; none if it does not exist."""
    try:
        async with aclosing(read_stored(js, stream, start_time=since)) as messages:
            async for message in messages:
                if _matches(message.subject, subjects):
                    yield Message.of_stored(stream, message)
    except NotFoundError:
        return


def _matches(subject: str, patterns: Sequence[str]) -> bool:
    """Return whether a subject is one of these, or begins as one that ends in `>`."""
    return any(
        subject.startswith(pattern[:-1]) if pattern.endswith(">") else subject == pattern
        for pattern in patterns
    )


async def read_streams(
    js: JetStreamContext, subjects: Mapping[str, Sequence[str]], *, since: datetime | None = None
) -> AsyncGenerator[Message, None]:
    """Yield the messages that several streams have now, in the order of their times."""
    async with AsyncExitStack() as stack:
        heads: list[tuple[Message, AsyncGenerator[Message, None]]] = []
        for stream, wanted in subjects.items():
            messages = read_stream(js, stream, wanted, since=since)
            await stack.enter_async_context(aclosing(messages))
            if first := await anext(messages, None):
                heads.append((first, messages))
        while heads:
            earliest = min(heads, key=lambda head: head[0].time)
            heads.remove(earliest)
            message, messages = earliest
            yield message
            if following := await anext(messages, None):
                heads.append((following, messages))


async def last_sequences(js: JetStreamContext, streams: Sequence[str]) -> dict[str, int]:
    """Return each stream's last sequence number, 0 for a stream that does not exist."""
    found = dict.fromkeys(streams, 0)
    for stream in streams:
        with suppress(NotFoundError):
            found[stream] = (await js.stream_info(stream)).state.last_seq
    return found


async def follow_streams(
    js: JetStreamContext, subjects: Mapping[str, Sequence[str]], after: Mapping[str, int]
) -> AsyncGenerator[Message, None]:
    """Yield the messages of several streams after some sequence numbers, without an end."""
    queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE_SIZE)
    followers = [
        _follow_stream(js, stream, wanted, after[stream], queue)
        for stream, wanted in subjects.items()
    ]
    async with background(*followers):
        while True:
            yield await queue.get()


async def _follow_stream(
    js: JetStreamContext,
    stream: str,
    subjects: Sequence[str],
    after: int,
    queue: asyncio.Queue[Message],
) -> None:
    """Put new messages into the queue, and resume after the last one when NATS was unavailable."""
    while True:
        try:
            async with StreamReader.open(js, stream, start_sequence=after + 1) as reader:
                while True:
                    for message in await reader.fetch():
                        after = message.sequence
                        if _matches(message.subject, subjects):
                            await queue.put(Message.of_stored(stream, message))
        except (NatsError, OSError):
            await asyncio.sleep(RETRY_SECONDS)
