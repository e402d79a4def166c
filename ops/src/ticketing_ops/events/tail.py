"""Listening in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from nats.js import JetStreamContext

from ticketing_ops.events.reading import Message, coming, ends, held_by
from ticketing_ops.events.subjects import by_stream, named_by


async def tail(
    js: JetStreamContext, pattern: str, since: datetime | None
) -> AsyncGenerator[Message, None]:
    """What was said since, and then what is said, without an end. Raises Refused."""
    wanted = by_stream(named_by(pattern))
    at = await ends(js, list(wanted))
    if since is not None:
        async with aclosing(held_by(js, wanted, since=since)) as messages:
            async for message in messages:
                at[message.stream] = max(at[message.stream], message.number)
                yield message
    async with aclosing(coming(js, wanted, at)) as messages:
        async for message in messages:
            yield message
