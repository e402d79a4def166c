"""`ticketing events tail`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from nats.js import JetStreamContext

from ticketing_ops.events.reading import Message, follow_streams, last_sequences, read_streams
from ticketing_ops.events.subjects import matching_events, subjects_by_stream


async def tail(
    js: JetStreamContext, pattern: str, since: datetime | None
) -> AsyncGenerator[Message, None]:
    """Yield the events published since a time, then new ones without an end.

    Raises:
        CommandError: The pattern matches no domain event.
    """
    subjects = subjects_by_stream(matching_events(pattern))
    last = await last_sequences(js, list(subjects))
    if since is not None:
        async with aclosing(read_streams(js, subjects, since=since)) as messages:
            async for message in messages:
                last[message.stream] = max(last[message.stream], message.sequence)
                yield message
    async with aclosing(follow_streams(js, subjects, last)) as messages:
        async for message in messages:
            yield message
