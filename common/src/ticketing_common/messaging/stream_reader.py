"""Reader of a stream that needs no consumer, so no service needs the right to create one.

Stored messages are read with direct gets, new ones arrive as the copies that the stream republishes
once it has stored them. Neither is reliable alone: a copy can be lost, and a direct get may be
answered by a server that is behind. So the stream's leader is asked regularly for its last message.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import Header, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from ticketing_common.backoff import Backoff
from ticketing_common.events import Envelope
from ticketing_common.messaging.streams import republished_subject

API = "$JS.API"
BATCH_SIZE = 256
MAX_COPIES = 4096
"""Republished messages that wait to be fetched. Dropped ones are read from the stream."""
CONFIRM_SECONDS = 5
"""How often the leader of the stream is asked for its last message."""
TIMEOUT_SECONDS = 5
"""How long a response may take."""
READ_ERRORS = (NatsError, OSError)
"""The errors of a stream that cannot be read now."""
RESTART_BACKOFF = Backoff(0.5, 5)
"""How long to wait before a stream is read again after a failure."""

_PLACE = ("Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp")
_OF_READING = ("Nats-Num-Pending", "Nats-Last-Sequence", "Nats-UpTo-Sequence")
_NOT_FOUND, _END_OF_BATCH = "404", "204"


class MessagesLost(NatsError):
    """The broker sent a message that did not arrive."""


class StreamReplaced(NatsError):
    """The stream was created again, or has lost messages."""


@dataclass(frozen=True)
class StoredMessage:
    """A message of a stream, as it was published."""

    sequence: int
    time: datetime
    """When the stream stored it."""
    subject: str
    data: bytes
    headers: Mapping[str, str]

    @property
    def envelope(self) -> Envelope:
        """The message as that of a domain event."""
        return Envelope(self.subject, self.data, dict(self.headers))

    @classmethod
    def of_copy(cls, message: Msg) -> Self:
        """Convert a response to a direct get, or a republished message."""
        headers = dict(message.headers or {})
        _, subject, sequence, stored_at = (headers.pop(name) for name in _PLACE)
        for name in _OF_READING:
            headers.pop(name, None)
        return cls(int(sequence), datetime.fromisoformat(stored_at), subject, message.data, headers)

    @classmethod
    def of_leader(cls, message: RawStreamMsg) -> Self:
        """Convert a message that the stream's leader has returned."""
        assert message.seq is not None
        assert message.time is not None
        return cls(
            message.seq,
            message.time,
            message.subject or "",
            message.data or b"",
            message.headers or {},
        )


class StreamReader:
    """Reads all messages of a stream, once and in order."""

    def __init__(
        self,
        js: JetStreamContext,
        stream: str,
        *,
        start_sequence: int = 1,
        start_time: datetime | None = None,
    ) -> None:
        self._js = js
        self._stream = stream
        self._start_time = start_time
        self._created: datetime | None = None
        self._asked_at = 0.0
        self._copies: deque[StoredMessage] = deque(maxlen=MAX_COPIES)
        self._has_copies = asyncio.Event()
        self.position = start_sequence - 1
        """The sequence number up to which all messages have been read."""
        self.last_sequence = 0
        """The highest sequence number that the stream is known to have."""
        self.current_at: float | None = None
        """A time of the monotonic clock: all messages stored before it have been read.

        None until then.
        """

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        js: JetStreamContext,
        stream: str,
        *,
        start_sequence: int = 1,
        start_time: datetime | None = None,
    ) -> AsyncIterator["StreamReader"]:
        """Read a stream from a sequence or a time on, or from its first message.

        Raises: NatsError, in particular NotFoundError if there is no such stream.
        """
        reader = cls(js, stream, start_sequence=start_sequence, start_time=start_time)
        subject = republished_subject(stream)
        copies = await _client_of(js).subscribe(subject, cb=reader._on_copy)
        try:
            await reader.confirm()
            yield reader
        finally:
            with suppress(NatsError):
                await copies.unsubscribe()

    async def _on_copy(self, message: Msg) -> None:
        self._copies.append(StoredMessage.of_copy(message))
        self._has_copies.set()

    async def fetch(self, wait_seconds: float = CONFIRM_SECONDS) -> list[StoredMessage]:
        """Return the next messages, none if no message arrives within `wait_seconds`.

        The stream's leader is asked for its last message as often; `fetch` then returns at once if
        all have been read. Raises: NatsError, in particular MessagesLost and StreamReplaced.
        """
        if time.monotonic() - self._asked_at >= wait_seconds:
            await self.confirm()
            if self.current_at == self._asked_at:
                return []
        if messages := self._next_copies():
            return messages
        if self.position < self.last_sequence:
            return await self.read_stored()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._asked_at + wait_seconds - time.monotonic()):
                await self._has_copies.wait()
        return self._next_copies()

    async def confirm(self) -> None:
        """Ask the stream's leader for its last message. Raises: NatsError."""
        asked_at = time.monotonic()
        info = await self._js.stream_info(self._stream)
        if self._created not in (None, info.created):
            raise StreamReplaced(f"the stream {self._stream} was created again")
        if info.state.last_seq < self.position:
            raise StreamReplaced(f"the stream {self._stream} has lost messages")
        self._created, self._asked_at = info.created, asked_at
        self.last_sequence = max(self.last_sequence, info.state.last_seq)
        self._advance(self.position)

    def _advance(self, position: int) -> None:
        self.position = position
        if position >= self.last_sequence:
            self.last_sequence = position
            self.current_at = self._asked_at

    def _next_copies(self) -> list[StoredMessage]:
        """Return the republished messages that come next, none if another one is missing."""
        self._has_copies.clear()
        messages = []
        while self._copies and self._copies[0].sequence <= self.position + 1:
            message = self._copies.popleft()
            if message.sequence == self.position + 1:
                messages.append(message)
                self._advance(message.sequence)
        if self._copies:
            self.last_sequence = max(self.last_sequence, self._copies[0].sequence)
        return messages

    async def read_stored(self) -> list[StoredMessage]:
        """Return the next stored messages. Raises: NatsError."""
        if (since := self._start_time) is None:
            return await self._read_from({"seq": self.position + 1})
        self._start_time = None
        messages = await _direct_get(self._js, self._stream, {"start_time": since.isoformat()})
        if messages:
            self._advance(messages[-1].sequence)
        else:
            await self._skip_until(since)
        return messages

    async def _read_from(self, start: Mapping[str, Any]) -> list[StoredMessage]:
        messages = await _direct_get(self._js, self._stream, start)
        if not messages:  # they are deleted, or a server that is behind has answered
            next_sequence = self.position + 1
            with suppress(NotFoundError):
                stored = await self._js.get_msg(self._stream, next_sequence, ">", next=True)
                messages = [StoredMessage.of_leader(stored)]
        self._advance(messages[-1].sequence if messages else self.last_sequence)
        return messages

    async def _skip_until(self, since: datetime) -> None:
        """Skip all messages if the leader has none that is so new either."""
        with suppress(NotFoundError):
            last = await self._js.get_msg(self._stream, self.last_sequence)
            if last.time is not None and last.time < since:
                self._advance(self.last_sequence)


async def read_stored(
    js: JetStreamContext, stream: str, *, start_time: datetime | None = None
) -> AsyncGenerator[StoredMessage, None]:
    """Yield the messages that a stream has now, oldest first. Later ones are not read.

    Raises: NatsError, in particular NotFoundError if there is no such stream.
    """
    reader = StreamReader(js, stream, start_time=start_time)
    await reader.confirm()
    last = reader.last_sequence
    while reader.position < last:
        for message in await reader.read_stored():
            if message.sequence <= last and message.time >= (start_time or message.time):
                yield message


async def _direct_get(
    js: JetStreamContext, stream: str, start: Mapping[str, Any]
) -> list[StoredMessage]:
    """Return a batch of messages from any server that has the stream. Raises: NatsError."""
    client = _client_of(js)
    responses: list[Msg] = []
    has_ended = asyncio.Event()

    async def on_response(response: Msg) -> None:
        responses.append(response)
        if Header.STATUS in (response.headers or {}):
            has_ended.set()

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=on_response)
    try:
        request = json.dumps({**start, "batch": BATCH_SIZE, "next_by_subj": ">"})
        await client.publish(f"{API}.DIRECT.GET.{stream}", request.encode(), reply=inbox)
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await has_ended.wait()
    finally:
        await subscription.unsubscribe()
    if not has_ended.is_set():
        raise NatsTimeoutError
    *copies, end = responses
    status = (end.headers or {})[Header.STATUS]
    if status == _NOT_FOUND:
        return []
    if status != _END_OF_BATCH:
        raise APIError.from_msg(end)
    # Each response names the one before, so that a lost one is noticed.
    before = [int((response.headers or {})["Nats-Last-Sequence"]) for response in responses]
    messages = [StoredMessage.of_copy(copy) for copy in copies]
    if before != [0, *(message.sequence for message in messages)]:
        raise MessagesLost(f"a message of the stream {stream} was lost")
    return messages


def _client_of(js: JetStreamContext) -> Client:
    """Return the connection of a context, which has no public name."""
    return js._nc
