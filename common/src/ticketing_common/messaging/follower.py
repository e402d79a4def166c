"""Keeps state in the memory of every process current with one type of domain event."""

import asyncio
from datetime import timedelta
from typing import Protocol, TypeVar

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from pymongo.errors import PyMongoError

from ticketing_common.events import DomainEvent, Envelope, InvalidMessage, utc_now
from ticketing_common.messaging.stream_reader import StreamReader
from ticketing_common.messaging.streams import ephemeral_name, stream_of

log = structlog.get_logger(__name__)

E = TypeVar("E", bound=DomainEvent)

CONFIRM_SECONDS = 1
"""How often the reader of an idle stream confirms that it has received all messages."""
RESTART_DELAY_SECONDS = 0.5


class Follower(Protocol[E]):
    """State in memory that follows the events of one type.

    The service's consumer delivers each event to one replica only; a follower gets all of them.
    """

    @property
    def event(self) -> type[E]: ...

    @property
    def history(self) -> timedelta:
        """The age of the oldest event that it needs."""

    async def load(self) -> None:
        """Load the stored state. Called at the start, and after any interruption."""

    def apply(self, event: E) -> None:
        """Apply an event. It may have been applied before."""

    def confirm(self, as_of: float) -> None:
        """Note that all events up to a time of the monotonic clock were applied."""


async def keep_current(js: JetStreamContext, follower: Follower[E], service: str) -> None:
    """Load the follower, then apply each event of its history and each new one, until cancelled."""
    while True:
        try:
            await _follow(js, follower, service)
        except (NatsError, OSError, PyMongoError) as error:
            log.info("follower.interrupted", subject=follower.event.subject, error=repr(error))
            await asyncio.sleep(RESTART_DELAY_SECONDS)


async def _follow(js: JetStreamContext, follower: Follower[E], service: str) -> None:
    async with StreamReader.open(
        js,
        stream_of(follower.event),
        ephemeral_name(service),
        subject=follower.event.subject,
        start_time=utc_now() - follower.history,
    ) as reader:
        await follower.load()
        while True:
            if reader.current_at is not None:
                follower.confirm(reader.current_at)
            for message in await reader.fetch(CONFIRM_SECONDS):
                try:
                    event = Envelope(message.subject, message.data).decode(follower.event)
                except InvalidMessage:
                    continue
                follower.apply(event)
