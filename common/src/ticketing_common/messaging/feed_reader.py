"""Keeps a feed current with its stream."""

import structlog
from nats.js import JetStreamContext

from ticketing_common.background import run_again
from ticketing_common.events import InvalidMessage, VersionedEvent
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.stream_reader import (
    READ_ERRORS,
    RESTART_BACKOFF,
    StoredMessage,
    StreamReader,
)
from ticketing_common.messaging.streams import stream_of

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1
"""How often the reader checks that it has received all messages."""


async def keep_feed_current(js: JetStreamContext, feed: Feed) -> None:
    """Append each event of the feed's stream to the feed, once and in order, until cancelled."""
    (stream,) = {stream_of(event) for event in feed.events}

    def on_failure(error: Exception, delay: float) -> None:
        feed.interrupt()
        log.info("feed.interrupted", stream=stream, error=repr(error), retry_in_seconds=delay)

    await run_again(
        lambda: _read(js, feed, stream), READ_ERRORS, RESTART_BACKOFF, on_failure=on_failure
    )


async def _read(js: JetStreamContext, feed: Feed, stream: str) -> None:
    """Continue at the feed's position until the broker fails."""
    position = await _resume(js, feed, stream)
    by_subject = {event.subject: event for event in feed.events}
    async with StreamReader.open(js, stream, start_sequence=position + 1) as reader:
        current_at = None
        while True:
            if reader.current_at != current_at:
                current_at = reader.current_at
                feed.has_all(current_at)
            for message in await reader.fetch(IDLE_SECONDS):
                feed.append(message.sequence, _decode(message, by_subject))


async def _resume(js: JetStreamContext, feed: Feed, stream: str) -> int:
    """Return the position to continue at. A feed that is not within the stream starts again."""
    info = await js.stream_info(stream)
    first, last = info.state.first_seq, info.state.last_seq
    is_same = feed.stream_created == info.created
    if not is_same or feed.position is None or not first - 1 <= feed.position <= last:
        feed.stream_created = info.created
        feed.restart(max(first, last - feed.capacity + 1, 1) - 1)
    assert feed.position is not None
    return feed.position


def _decode(
    message: StoredMessage, by_subject: dict[str, type[VersionedEvent]]
) -> VersionedEvent | None:
    """Return the event, None for an invalid message and for other events of the stream."""
    event = by_subject.get(message.subject)
    if event is None:
        return None
    try:
        return message.envelope.decode(event)
    except InvalidMessage:
        return None
