"""Keeps a feed current with its stream."""

import asyncio

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from ticketing_common.events import Envelope, InvalidMessage, VersionedEvent
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.stream_reader import StreamReader
from ticketing_common.messaging.streams import ephemeral_name, stream_of

log = structlog.get_logger(__name__)

IDLE_SECONDS = 2
"""How often the reader of an idle stream checks that it has received all messages."""
RESTART_DELAY_SECONDS = 0.5


async def keep_feed_current(js: JetStreamContext, feed: Feed, service: str) -> None:
    """Append each event of the feed's stream to the feed, once and in order, until cancelled."""
    (stream,) = {stream_of(event) for event in feed.events}
    while True:
        try:
            await _read(js, feed, stream, service)
        except (NatsError, OSError) as error:
            feed.interrupt()
            log.info("feed.interrupted", stream=stream, error=repr(error))
            await asyncio.sleep(RESTART_DELAY_SECONDS)


async def _read(js: JetStreamContext, feed: Feed, stream: str, service: str) -> None:
    """Continue at the feed's position until the broker fails."""
    position = await _resume(js, feed, stream)
    by_subject = {event.subject: event for event in feed.events}
    name = ephemeral_name(service)
    async with StreamReader.open(js, stream, name, start_sequence=position + 1) as reader:
        while True:
            if reader.pending == 0:
                feed.has_all()
            for message in await reader.fetch(IDLE_SECONDS):
                feed.append(message.metadata.sequence.stream, _decode(message, by_subject))


async def _resume(js: JetStreamContext, feed: Feed, stream: str) -> int:
    """Return the position to continue at. A feed that is not within the stream starts again."""
    state = (await js.stream_info(stream)).state
    if feed.position is None or not state.first_seq - 1 <= feed.position <= state.last_seq:
        oldest = max(state.first_seq, state.last_seq - feed.capacity + 1, 1)
        feed.restart(oldest - 1)
    assert feed.position is not None
    return feed.position


def _decode(message: Msg, by_subject: dict[str, type[VersionedEvent]]) -> VersionedEvent | None:
    """Return the event, None for an invalid message and for other events of the stream."""
    event = by_subject.get(message.subject)
    if event is None:
        return None
    try:
        return Envelope(message.subject, message.data).decode(event)
    except InvalidMessage:
        return None
