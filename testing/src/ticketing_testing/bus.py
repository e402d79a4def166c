"""The bus as a test sees it: say an event, hear what a service says, see what it could not take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Self, TypeVar

import nats
from bson import ObjectId
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from ticketing_common.events import DomainEvent, Envelope, utc_now
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.streams import (
    DEAD_LETTER_PREFIX,
    DEAD_LETTERS,
    consumers,
    filter_subjects_of,
    provision,
    stream_of,
)
from ticketing_common.observability.telemetry import outgoing
from ticketing_testing.patience import PATIENCE_SECONDS, eventually

E = TypeVar("E", bound=DomainEvent)


class Bus:
    """One test's broker."""

    def __init__(self, js: JetStreamContext) -> None:
        self.js = js

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        connection = await nats.connect(url)
        try:
            js = connection.jetstream(timeout=PATIENCE_SECONDS)
            await provision(js)
            yield cls(js)
        finally:
            await connection.close()

    async def say(self, *events: DomainEvent, id: str | None = None, again: bool = False) -> str:
        """Publish events as their producer would; returns the last one's id.

        `again` has the broker take an id that it knows already for a new message.
        """
        event_id = id or str(ObjectId())
        for event in events:
            event_id = id or str(ObjectId())
            envelope = Envelope.seal(event, id=event_id, time=utc_now(), trace=outgoing())
            headers = dict(envelope.headers)
            if again:
                headers["Nats-Msg-Id"] = str(ObjectId())
            await self.js.publish(envelope.subject, envelope.body, headers=headers)
        return event_id

    async def say_raw(self, event: type[DomainEvent], body: bytes) -> None:
        """Publish what is no event on an event's subject."""
        headers = {"ce-id": str(ObjectId())}
        await self.js.publish(event.subject, body, headers=headers)

    async def settled(self, listeners: Listeners) -> None:
        """Wait until a service has answered for everything it was told."""
        for stream, consumer in consumers(listeners).items():
            # A consumer's count of what is pending lags behind the stream for a moment.
            last = await self._last_sequence(stream, filter_subjects_of(consumer))
            await eventually(partial(self._has_answered, stream, listeners.service, last))

    async def _has_answered(self, stream: str, service: str, last: int) -> bool:
        try:
            info = await self.js.consumer_info(stream, service)
        except NotFoundError:  # the service is still starting
            return False
        return info.ack_floor is not None and info.ack_floor.stream_seq >= last

    async def _last_sequence(self, stream: str, subjects: list[str]) -> int:
        last = 0
        for subject in subjects:
            with suppress(NotFoundError):
                last = max(last, (await self.js.get_last_msg(stream, subject)).seq or 0)
        return last

    async def heard(self, event: type[E], count: int = 1) -> list[E]:
        """All that was said of one kind, once there are at least `count`."""
        messages = await self._at_least(count, stream_of(event), event.subject)
        return [event.model_validate_json(message.data) for message in messages]

    async def dead_letters(self, count: int = 0) -> list[Msg]:
        """The dead letters, once there are at least `count`."""
        return await self._at_least(count, DEAD_LETTERS, f"{DEAD_LETTER_PREFIX}.>")

    async def _at_least(self, count: int, stream: str, subject: str) -> list[Msg]:
        messages: list[Msg] = []

        async def are_there() -> bool:
            messages[:] = await self._messages(stream, subject)
            assert len(messages) >= count, f"{len(messages)} of {count} {subject}"
            return True

        await eventually(are_there)
        return messages

    async def _messages(self, stream: str, subject: str) -> list[Msg]:
        config = ConsumerConfig(
            filter_subject=subject,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=PATIENCE_SECONDS,
        )
        consumer = await self.js.add_consumer(stream, config)
        try:
            waiting = consumer.num_pending or 0
            if not waiting:
                return []
            subscription = await self.js.pull_subscribe_bind(consumer.name, stream=stream)
            messages: list[Msg] = []
            while len(messages) < waiting:
                messages += await subscription.fetch(
                    waiting - len(messages), timeout=PATIENCE_SECONDS
                )
            await subscription.unsubscribe()
            return messages
        finally:
            await self.js.delete_consumer(stream, consumer.name)
