"""Reader of a stream. It does not change the position of any consumer."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

BATCH_SIZE = 256
FETCH_TIMEOUT_SECONDS = 5
INACTIVE_SECONDS = 30
"""The broker deletes a reader's consumer that has been unused for this long."""


class MessagesLost(NatsError):
    """The broker sent a message that did not arrive."""


class StreamReader:
    """An ephemeral, ordered consumer in the broker's memory.

    The broker sends each message once and expects no acknowledgement, so the reader counts them and
    notices a lost one. (nats-py's own ordered consumer needs ten seconds to miss its broker.)
    """

    def __init__(
        self,
        js: JetStreamContext,
        name: str,
        stream: str,
        subscription: JetStreamContext.PullSubscription,
        pending: int,
        asked_at: float,
    ) -> None:
        self._js = js
        self._name = name
        self._stream = stream
        self._subscription = subscription
        self._received = 0
        self.pending = pending
        """Messages that are stored in the stream and not read yet."""
        self.current_at = asked_at if pending == 0 else None
        """A time of the monotonic clock: all messages stored before it have been read.

        None while there are more of them.
        """

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        js: JetStreamContext,
        stream: str,
        name: str,
        *,
        subjects: Sequence[str] = (),
        subject: str | None = None,
        start_sequence: int | None = None,
        start_time: datetime | None = None,
        headers_only: bool = False,
        inactive_seconds: float = INACTIVE_SECONDS,
    ) -> AsyncIterator["StreamReader"]:
        """Read a stream from a sequence or a time on, or from its first message.

        `subject` instead of `subjects` is part of the request's subject, so the broker's
        permissions can restrict it.

        Raises: NatsError, in particular NotFoundError if there is no such stream.
        """
        policy = DeliverPolicy.ALL
        if start_sequence is not None:
            policy = DeliverPolicy.BY_START_SEQUENCE
        elif start_time is not None:
            policy = DeliverPolicy.BY_START_TIME
        asked_at = time.monotonic()
        consumer = await js.add_consumer(
            stream,
            ConsumerConfig(
                name=name,
                filter_subject=subject,
                filter_subjects=list(subjects) or None,
                deliver_policy=policy,
                opt_start_seq=start_sequence,
                opt_start_time=start_time,
                ack_policy=AckPolicy.NONE,
                inactive_threshold=inactive_seconds,
                mem_storage=True,
                headers_only=headers_only or None,
            ),
        )
        subscription = await js.pull_subscribe_bind(consumer.name, stream=stream)
        try:
            pending = consumer.num_pending or 0
            yield cls(js, consumer.name, stream, subscription, pending, asked_at)
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def fetch(self, wait_seconds: float = FETCH_TIMEOUT_SECONDS) -> list[Msg]:
        """Return the next messages, none if no message arrives within `wait_seconds`.

        Raises: MessagesLost, NatsError.
        """
        asked_at = time.monotonic()
        try:
            size = min(BATCH_SIZE, self.pending or 1)
            messages: list[Msg] = await self._subscription.fetch(size, timeout=wait_seconds)
        except TimeoutError:
            asked_at = time.monotonic()
            info = await self._js.consumer_info(self._stream, self._name)
            self._check(info.delivered.consumer_seq if info.delivered is not None else 0)
            self._set_pending(info.num_pending, asked_at)  # fewer, if some expired
            return []
        for message in messages:
            self._received += 1
            self._check(message.metadata.sequence.consumer)
            self._set_pending(message.metadata.num_pending, asked_at)
        return messages

    def _set_pending(self, pending: int | None, asked_at: float) -> None:
        self.pending = pending or 0
        self.current_at = asked_at if self.pending == 0 else None

    def _check(self, sent: int) -> None:
        if self._received != sent:
            raise MessagesLost(f"received {self._received} of {sent} messages")


async def read_stored(
    js: JetStreamContext,
    stream: str,
    name: str,
    *,
    subjects: Sequence[str] = (),
    start_time: datetime | None = None,
    headers_only: bool = False,
    inactive_seconds: float = INACTIVE_SECONDS,
) -> AsyncGenerator[Msg, None]:
    """Yield the messages that a stream has now, oldest first. Later ones are not read.

    Raises: NatsError, in particular NotFoundError if there is no such stream.
    """
    async with StreamReader.open(
        js,
        stream,
        name,
        subjects=subjects,
        start_time=start_time,
        headers_only=headers_only,
        inactive_seconds=inactive_seconds,
    ) as reader:
        remaining = reader.pending
        while remaining > 0 and reader.pending > 0:
            for message in (await reader.fetch())[:remaining]:
                remaining -= 1
                yield message
