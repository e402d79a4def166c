"""From a stream to the feed of those who watch it."""

import asyncio
from contextlib import suppress

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from ticketing_common.events import Envelope, InvalidMessage, VersionedEvent
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.streams import ephemeral_name, stream_of

log = structlog.get_logger(__name__)

BATCH = 256
IDLE_SECONDS = 2
"""How often a stream that says nothing is asked whether we have heard everything."""
PAUSE_SECONDS = 0.5


class Lost(NatsError):
    """The broker has sent something that never came."""


async def follow(js: JetStreamContext, feed: Feed, service: str) -> None:
    """Have a service's feed hear its stream, each message once and in order, until cancelled."""
    (stream,) = {stream_of(event) for event in feed.events}
    while True:
        try:
            await _follow(js, feed, stream, service)
        except (NatsError, OSError) as error:
            log.info("feed.interrupted", stream=stream, error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)


async def _follow(js: JetStreamContext, feed: Feed, stream: str, service: str) -> None:
    """Go on where the feed is, until something goes wrong."""
    at = await _resume(js, feed, stream)
    # Of our own, and gone with us. The broker sends each message once and waits for no answer, so
    # we count what comes; nats-py's ordered consumer takes ten seconds to miss its broker.
    consumer = await js.add_consumer(
        stream,
        ConsumerConfig(
            name=ephemeral_name(service),
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=at + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=30,
            mem_storage=True,
        ),
    )
    subscription = await js.pull_subscribe_bind(consumer.name, stream=stream)
    by_subject = {event.subject: event for event in feed.events}
    count, waiting = 0, consumer.num_pending or 0
    try:
        while True:
            if waiting == 0:
                feed.go_live()
            try:
                messages = await subscription.fetch(min(BATCH, waiting or 1), timeout=IDLE_SECONDS)
            except TimeoutError:
                sent = (await js.consumer_info(stream, consumer.name)).delivered
                _must_be(count, sent.consumer_seq if sent is not None else 0)
                continue
            for message in messages:
                count += 1
                _must_be(count, message.metadata.sequence.consumer)
                feed.hear(message.metadata.sequence.stream, _open(message, by_subject))
                waiting = message.metadata.num_pending or 0
    finally:
        with suppress(NatsError):
            await subscription.unsubscribe()


async def _resume(js: JetStreamContext, feed: Feed, stream: str) -> int:
    """The place that the feed goes on from; it begins again where the stream has left it behind."""
    state = (await js.stream_info(stream)).state
    if feed.position is None or not state.first_seq - 1 <= feed.position <= state.last_seq:
        oldest = max(state.first_seq, state.last_seq - feed.remembered + 1, 1)
        feed.begin_after(oldest - 1)
    assert feed.position is not None
    return feed.position


def _must_be(count: int, sent: int) -> None:
    if count != sent:
        raise Lost(f"have {count} messages of {sent}")


def _open(message: Msg, by_subject: dict[str, type[VersionedEvent]]) -> VersionedEvent | None:
    """None for what cannot be read, which is a dead letter's matter, and what is not for us."""
    event = by_subject.get(message.subject)
    if event is None:
        return None
    try:
        return Envelope(message.subject, message.data).open(event)
    except InvalidMessage:
        return None
