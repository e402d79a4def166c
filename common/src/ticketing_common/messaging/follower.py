"""Keeps state in the memory of every process current with one type of domain event."""

from datetime import timedelta
from typing import Protocol, TypeVar

import structlog
from nats.js import JetStreamContext

from ticketing_common.background import run_again
from ticketing_common.events import DomainEvent, InvalidMessage, utc_now
from ticketing_common.messaging.stream_reader import READ_ERRORS, RESTART_BACKOFF, StreamReader
from ticketing_common.messaging.streams import stream_of

log = structlog.get_logger(__name__)

E = TypeVar("E", bound=DomainEvent)

CONFIRM_SECONDS = 1
"""How often the reader confirms that it has received all messages."""


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


async def keep_current(js: JetStreamContext, follower: Follower[E]) -> None:
    """Apply each event of the follower's history and each new one, until cancelled.

    It begins with the history again after any interruption.
    """

    def on_failure(error: Exception, delay: float) -> None:
        log.info(
            "follower.interrupted",
            subject=follower.event.subject,
            error=repr(error),
            retry_in_seconds=delay,
        )

    await run_again(
        lambda: _follow(js, follower), READ_ERRORS, RESTART_BACKOFF, on_failure=on_failure
    )


async def _follow(js: JetStreamContext, follower: Follower[E]) -> None:
    start_time = utc_now() - follower.history
    async with StreamReader.open(js, stream_of(follower.event), start_time=start_time) as reader:
        while True:
            if reader.current_at is not None:
                follower.has_all()
            for message in await reader.fetch(CONFIRM_SECONDS):
                if message.subject != follower.event.subject:
                    continue
                try:
                    event = message.envelope.decode(follower.event)
                except InvalidMessage:
                    continue
                follower.apply(event)
