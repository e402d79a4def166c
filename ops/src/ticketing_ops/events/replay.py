"""`ticketing events replay`."""

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from bson import ObjectId
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from ticketing_common.events import Envelope, InvalidMessage, VersionedEvent
from ticketing_common.messaging.replay import (
    REPLAY_HEADER,
    REPLAY_STREAM,
    publish_replay,
    replay_subject,
)
from ticketing_common.messaging.streams import filter_subjects_of
from ticketing_ops.errors import CommandError
from ticketing_ops.events.reading import Message, read_streams
from ticketing_ops.events.subjects import BY_SUBJECT, matching_events, subjects_by_stream

POLL_SECONDS = 0.2


@dataclass
class ReplayResult:
    """The events that a replay has sent."""

    counts: Counter[str] = field(default_factory=Counter)
    """By subject."""
    incomplete: set[str] = field(default_factory=set)
    """Ids of documents whose first version is no longer in the stream."""
    _known: set[str] = field(default_factory=set)

    def add(self, message: Message) -> None:
        """Count a message, and note whether its document's first version was there."""
        self.counts[message.subject] += 1
        try:
            event = Envelope(message.subject, message.body).parse(BY_SUBJECT[message.subject])
        except InvalidMessage:
            return
        if isinstance(event, VersionedEvent) and event.aggregate_id == event.id:
            if event.version > 0 and event.id not in self._known:
                self.incomplete.add(event.id)
            self._known.add(event.id)


async def replay(
    js: JetStreamContext, service: str, pattern: str = ">", since: datetime | None = None
) -> ReplayResult:
    """Send one service the stored events that it consumes, in the order of their times.

    No other service receives them. Events with a secret are not sent: their stream keeps them
    for minutes only.

    Raises:
        CommandError: The service does not exist, or consumes none of these events.
    """
    subjects = await _consumed_subjects(js, service, pattern)
    run, result = ObjectId(), ReplayResult()
    async with aclosing(read_streams(js, subjects, since=since)) as messages:
        async for message in messages:
            await publish_replay(
                js,
                service,
                message.subject,
                message.body,
                {**message.headers, REPLAY_HEADER: "true"},
                id=f"{run}:{message.stream}:{message.sequence}",
            )
            result.add(message)
    return result


async def wait_until_handled(js: JetStreamContext, service: str, seconds: float) -> int:
    """Wait until a service has handled its replay, and return how many events remain."""
    deadline = monotonic() + seconds
    while True:
        info = await js.stream_info(REPLAY_STREAM, subjects_filter=replay_subject(service, ">"))
        count = sum((info.state.subjects or {}).values())
        if count == 0 or monotonic() > deadline:
            return count
        await asyncio.sleep(POLL_SECONDS)


async def _consumed_subjects(
    js: JetStreamContext, service: str, pattern: str
) -> dict[str, list[str]]:
    """Return the matching subjects of the service's consumers, by stream. Raises CommandError."""
    await _check_service(js, service)
    events = [event for event in matching_events(pattern) if event.max_age is None]
    found: dict[str, list[str]] = {}
    for stream, subjects in subjects_by_stream(events).items():
        try:
            consumed = filter_subjects_of((await js.consumer_info(stream, service)).config)
        except NotFoundError:
            continue
        if matching := sorted({*subjects} & {*consumed}):
            found[stream] = matching
    if not found:
        raise CommandError(f"{service} consumes no event of {pattern} that can be replayed.")
    return found


async def _check_service(js: JetStreamContext, service: str) -> None:
    try:
        names = [str(consumer.name) for consumer in await js.consumers_info(REPLAY_STREAM)]
    except NotFoundError:
        names = []
    if service not in names:
        known = ", ".join(sorted(names)) or "none. Has any service run on this bus?"
        raise CommandError(f"No service {service} consumes events. Services: {known}")
