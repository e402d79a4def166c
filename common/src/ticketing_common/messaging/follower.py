"""Keeps state in the memory of every process current with one type of domain event."""

import asyncio
from datetime import timedelta
from typing import Protocol, TypeVar

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

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

    def apply(self, event: E) -> None:
        """Apply an event. It may have been applied before."""

    def has_all(self) -> None:
        """Note that all events of the history were applied."""


async def keep_current(js: JetStreamContext, follower: Follower[E], service: str) -> None:
    """Apply each event of the follower's history and each new one, until cancelled.

    It begins with the history again after any interruption.
    """
    while True:
        try:
            await _follow(js, follower, service)
        except (NatsError, OSError) as error:
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
        while True:
            if reader.pending == 0:
                follower.has_all()
            for message in await reader.fetch(CONFIRM_SECONDS):
                try:
                    event = Envelope(message.subject, message.data).decode(follower.event)
                except InvalidMessage:
                    continue
                follower.apply(event)
