"""Telling a service again what it has heard, and has lost."""

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
from ticketing_common.messaging.replay import REPLAY_HEADER, REPLAY_STREAM, address, publish_replay
from ticketing_common.messaging.streams import filter_subjects_of
from ticketing_dev.stack.control import Refused
from ticketing_ops.events.reading import Message, held_by
from ticketing_ops.events.subjects import BY_SUBJECT, by_stream, named_by

LOOK_SECONDS = 0.2


@dataclass
class Replayed:
    """What was told again."""

    counts: Counter[str] = field(default_factory=Counter)
    """By subject."""
    without_a_beginning: set[str] = field(default_factory=set)
    """Documents whose first version the bus holds no more."""
    known: set[str] = field(default_factory=set)

    def note(self, message: Message) -> None:
        self.counts[message.subject] += 1
        try:
            event = Envelope(message.subject, message.body).open(BY_SUBJECT[message.subject])
        except InvalidMessage:
            return
        if isinstance(event, VersionedEvent) and event.key == event.id:
            if event.version > 0 and event.id not in self.known:
                self.without_a_beginning.add(event.id)
            self.known.add(event.id)


async def replay(
    js: JetStreamContext, service: str, pattern: str = ">", since: datetime | None = None
) -> Replayed:
    """Tell one service all that it listens to again, in the order of time. Others hear nothing.

    An event that may be kept for a short time only, as it has a secret, is not told again. Raises
    Refused where no such service listens to such events.
    """
    wanted = await _listened_to(js, service, pattern)
    run, replayed = ObjectId(), Replayed()
    async with aclosing(held_by(js, wanted, since=since)) as messages:
        async for message in messages:
            await publish_replay(
                js,
                service,
                message.subject,
                message.body,
                {**message.headers, REPLAY_HEADER: "true"},
                id=f"{run}:{message.stream}:{message.number}",
            )
            replayed.note(message)
    return replayed


async def left(js: JetStreamContext, service: str, within: float) -> int:
    """How many events the service has still to handle again, once it is none or time is over."""
    deadline = monotonic() + within
    while True:
        info = await js.stream_info(REPLAY_STREAM, subjects_filter=address(service, ">"))
        count = sum((info.state.subjects or {}).values())
        if count == 0 or monotonic() > deadline:
            return count
        await asyncio.sleep(LOOK_SECONDS)


async def _listened_to(js: JetStreamContext, service: str, pattern: str) -> dict[str, list[str]]:
    """The subjects that the service's own consumers ask for, by stream."""
    await _must_listen(js, service)
    lasting = [event for event in named_by(pattern) if event.max_age is None]
    wanted: dict[str, list[str]] = {}
    for stream, subjects in by_stream(lasting).items():
        try:
            heard = filter_subjects_of((await js.consumer_info(stream, service)).config)
        except NotFoundError:
            continue
        if both := sorted({*subjects} & {*heard}):
            wanted[stream] = both
    if not wanted:
        raise Refused(f"{service} listens to nothing of {pattern} that can be replayed.")
    return wanted


async def _must_listen(js: JetStreamContext, service: str) -> None:
    try:
        names = [str(consumer.name) for consumer in await js.consumers_info(REPLAY_STREAM)]
    except NotFoundError:
        names = []
    if service not in names:
        known = ", ".join(sorted(names)) or "none: has any ever run on this bus?"
        raise Refused(f"No service {service} listens. There are: {known}")
