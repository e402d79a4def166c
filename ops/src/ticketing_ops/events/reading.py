"""What streams hold, and what comes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from ticketing_common.background import background

BATCH = 256
IDLE_SECONDS = 5
PAUSE_SECONDS = 0.5
UNUSED_SECONDS = 3600
"""After which the broker forgets a reader that it has not heard of: one stream's may wait long
while another's is read."""


@dataclass(frozen=True)
class Message:
    """One message of a stream."""

    stream: str
    number: int
    """Its place in the stream."""
    time: datetime
    """When the stream took it."""
    subject: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, message: Msg) -> Self:
        about = message.metadata
        return cls(
            stream=about.stream,
            number=about.sequence.stream,
            time=about.timestamp,
            subject=message.subject,
            headers=message.headers or {},
            body=message.data,
        )


async def held(
    js: JetStreamContext,
    stream: str,
    subjects: Sequence[str],
    *,
    since: datetime | None = None,
    headers_only: bool = False,
) -> AsyncGenerator[Message, None]:
    """What a stream holds now, the oldest first; nothing where there is no such stream."""
    config = ConsumerConfig(
        filter_subjects=list(subjects),
        deliver_policy=DeliverPolicy.BY_START_TIME if since else DeliverPolicy.ALL,
        opt_start_time=since,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=UNUSED_SECONDS,
        mem_storage=True,
        headers_only=headers_only or None,
    )
    try:
        consumer = await js.add_consumer(stream, config)
    except NotFoundError:
        return
    subscription = await js.pull_subscribe_bind(consumer.name, stream=stream)
    left = consumer.num_pending or 0
    try:
        while left > 0:
            try:
                messages = await subscription.fetch(min(BATCH, left), timeout=IDLE_SECONDS)
            except TimeoutError:  # it has forgotten meanwhile what was left
                return
            left -= len(messages)
            for message in messages:
                yield Message.of(message)
    finally:
        with suppress(NatsError):
            await subscription.unsubscribe()
            await js.delete_consumer(stream, consumer.name)


async def held_by(
    js: JetStreamContext, wanted: Mapping[str, Sequence[str]], *, since: datetime | None = None
) -> AsyncGenerator[Message, None]:
    """What several streams, each with its subjects, hold now, in the order of time."""
    async with AsyncExitStack() as stack:
        heads: list[tuple[Message, AsyncGenerator[Message, None]]] = []
        for stream, subjects in wanted.items():
            messages = held(js, stream, subjects, since=since)
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


async def ends(js: JetStreamContext, streams: Sequence[str]) -> dict[str, int]:
    """The number of each stream's last message, 0 where there is no such stream yet."""
    found = dict.fromkeys(streams, 0)
    for stream in streams:
        with suppress(NotFoundError):
            found[stream] = (await js.stream_info(stream)).state.last_seq
    return found


async def coming(
    js: JetStreamContext, wanted: Mapping[str, Sequence[str]], after: Mapping[str, int]
) -> AsyncGenerator[Message, None]:
    """What comes into several streams after the messages of these numbers, without an end."""
    come: asyncio.Queue[Message] = asyncio.Queue(BATCH)
    pumps = [_pump(js, stream, wanted[stream], after[stream], come) for stream in wanted]
    async with background(*pumps):
        while True:
            yield await come.get()


async def _pump(
    js: JetStreamContext,
    stream: str,
    subjects: Sequence[str],
    after: int,
    come: asyncio.Queue[Message],
) -> None:
    """Begin again where we were whenever the bus was away."""
    while True:
        try:
            consumer = await js.add_consumer(
                stream,
                ConsumerConfig(
                    filter_subjects=list(subjects),
                    deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=after + 1,
                    ack_policy=AckPolicy.EXPLICIT,
                    inactive_threshold=10 * IDLE_SECONDS,
                    mem_storage=True,
                ),
            )
            subscription = await js.pull_subscribe_bind(consumer.name, stream=stream)
            while True:
                try:
                    [message] = await subscription.fetch(1, timeout=IDLE_SECONDS)
                except TimeoutError:
                    await js.consumer_info(stream, consumer.name)  # raises where it was forgotten
                    continue
                await message.ack()
                await come.put(Message.of(message))
                after = message.metadata.sequence.stream
        except (NatsError, OSError):
            await asyncio.sleep(PAUSE_SECONDS)
