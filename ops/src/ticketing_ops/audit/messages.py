"""What a stream holds, read without anybody's place in it being moved."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from ticketing_common.events import utc_now
from ticketing_ops.audit.away import Away
from ticketing_ops.events.reading import BATCH, Message, held

ALL = (">",)


async def batches(
    js: JetStreamContext, stream: str, *, headers_only: bool = False
) -> AsyncGenerator[Sequence[Message], None]:
    """All that the stream holds now, the oldest first; nothing where there is no such stream.

    By a consumer without a name, in the broker's memory, that ends with us. Raises Away.
    """
    batch: list[Message] = []
    try:
        async with aclosing(held(js, stream, ALL, headers_only=headers_only)) as found:
            async for message in found:
                batch.append(message)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
    except (NatsError, OSError) as error:
        raise Away("NATS", error) from error
    if batch:
        yield batch


async def at(js: JetStreamContext, stream: str, number: int) -> Message | None:
    """One message, None where the stream has forgotten it. Raises Away."""
    try:
        return _read(stream, await js.get_msg(stream, number))
    except NotFoundError:
        return None
    except (NatsError, OSError) as error:
        raise Away("NATS", error) from error


async def next_of(
    js: JetStreamContext, stream: str, after: int, subjects: Sequence[str]
) -> Message | None:
    """The first one after a place in the stream, of some subjects. Raises what NATS raises."""
    found = []
    for subject in subjects:
        with suppress(NotFoundError):
            found.append(_read(stream, await js.get_msg(stream, after + 1, subject, next=True)))
    return min(found, key=lambda message: message.number, default=None)


def event_id(message: Message) -> str:
    """Its event's id, empty where it has none: then nobody can read it."""
    return message.headers.get("ce-id", "")


def fields(message: Message) -> Mapping[str, Any]:
    """What the event tells; nothing where it cannot be read."""
    try:
        told = json.loads(message.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _read(stream: str, found: RawStreamMsg) -> Message:
    return Message(
        stream,
        found.seq or 0,
        found.time or utc_now(),
        found.subject or "",
        found.headers or {},
        found.data or b"",
    )
