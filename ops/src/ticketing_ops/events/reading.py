"""Reading streams without moving any service's consumer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from ticketing_common.background import background
from ticketing_common.events import utc_now
from ticketing_common.messaging.stream_reader import StreamReader, read_stored
from ticketing_common.messaging.streams import ephemeral_name

QUEUE_SIZE = 256
RETRY_SECONDS = 0.5
INACTIVE_SECONDS = 3600
"""How long NATS keeps an idle consumer: one stream waits while another is read."""


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
    def of_delivery(cls, message: Msg) -> Self:
        """Convert a message that a consumer delivered."""
        metadata = message.metadata
        return cls(
            stream=metadata.stream,
            sequence=metadata.sequence.stream,
            time=metadata.timestamp,
            subject=message.subject,
            headers=message.headers or {},
            body=message.data,
        )

    @classmethod
    def of_stored(cls, stream: str, message: RawStreamMsg) -> Self:
        """Convert a message that was read by its sequence number."""
        return cls(
            stream=stream,
            sequence=message.seq or 0,
            time=message.time or utc_now(),
            subject=message.subject or "",
            headers=message.headers or {},
            body=message.data or b"",
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
    js: JetStreamContext,
    stream: str,
    subjects: Sequence[str],
    *,
    since: datetime | None = None,
    headers_only: bool = False,
) -> AsyncGenerator[Message, None]:
    """Yield the messages that a stream has now, oldest first; none if it does not exist."""
    name = ephemeral_name("ticketing")
    messages = read_stored(
        js,
        stream,
        name,
        subjects=subjects,
        start_time=since,
        headers_only=headers_only,
        inactive_seconds=INACTIVE_SECONDS,
    )
    try:
        async with aclosing(messages):
            async for message in messages:
                yield Message.of_delivery(message)
    except NotFoundError:
        return
    finally:
        with suppress(NatsError):
            await js.delete_consumer(stream, name)


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
        name = ephemeral_name("ticketing")
        try:
            async with StreamReader.open(
                js, stream, name, subjects=subjects, start_sequence=after + 1
            ) as reader:
                while True:
                    for message in await reader.fetch():
                        await queue.put(Message.of_delivery(message))
                        after = message.metadata.sequence.stream
        except (NatsError, OSError):
            await asyncio.sleep(RETRY_SECONDS)
