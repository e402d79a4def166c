"""The message broker as a test sees it: publish events, and read the events of services."""

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
from ticketing_common.messaging.provisioning import provision
from ticketing_common.messaging.streams import (
    DEAD_LETTER_PREFIX,
    DEAD_LETTER_STREAM,
    consumers,
    filter_subjects_of,
    stream_of,
)
from ticketing_common.observability.tracing import trace_headers
from ticketing_common.persistence import database, parked_events
from ticketing_ops.subscriptions import consumed_events
from ticketing_testing.timeouts import ATTEMPT_SECONDS, TIMEOUT_SECONDS, eventually

E = TypeVar("E", bound=DomainEvent)


class Bus:
    """JetStream of one NATS account, with all streams."""

    def __init__(self, js: JetStreamContext) -> None:
        self.js = js

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *services: str) -> AsyncIterator[Self]:
        """Connect, and create the streams and the consumers of these services.

        `serve_app` creates those of a service that runs in this process.
        """
        connection = await nats.connect(url)
        try:
            js = connection.jetstream(timeout=ATTEMPT_SECONDS)
            bus = cls(js)
            consumed = {name: consumed_events()[name] for name in services if name != "auth"}
            await provision(js, consumed)
            yield bus
        finally:
            await connection.close()

    async def provision(self, *listeners: Listeners) -> None:
        """Create all streams, and the consumers of these services."""
        consumed = {each.service: [one.event for one in each] for each in listeners}
        await provision(self.js, consumed)

    async def publish(
        self, *events: DomainEvent, id: str | None = None, bypass_deduplication: bool = False
    ) -> str:
        """Publish events as their producer would. Returns the id of the last one.

        With `bypass_deduplication` JetStream stores the message although it knows the event's id.
        """
        event_id = id or str(ObjectId())
        for event in events:
            event_id = id or str(ObjectId())
            envelope = Envelope.encode(event, id=event_id, time=utc_now(), trace=trace_headers())
            headers = dict(envelope.headers)
            if bypass_deduplication:
                headers["Nats-Msg-Id"] = str(ObjectId())
            await self.js.publish(envelope.subject, envelope.body, headers=headers)
        return event_id

    async def publish_raw(self, event: type[DomainEvent], body: bytes) -> None:
        """Publish a body that is not this event on the event's subject."""
        headers = {"ce-id": str(ObjectId()), "ce-source": f"/{event.producer}"}
        await self.js.publish(event.subject, body, headers=headers)

    async def wait_until_handled(self, listeners: Listeners) -> None:
        """Wait until a service has handled every message of its consumers.

        If it runs in this process, also until no event is parked in its database.
        """
        for stream, consumer in consumers(listeners).items():
            # A consumer's count of pending messages lags behind the stream for a moment.
            last = await self._last_sequence(stream, filter_subjects_of(consumer))
            await eventually(partial(self._has_acknowledged, stream, listeners.service, last))
        if listeners.uses_inbox and database.is_open():
            await eventually(_has_parked_nothing)

    async def _has_acknowledged(self, stream: str, service: str, last: int) -> bool:
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

    async def published(self, event: type[E], count: int = 1) -> list[E]:
        """Return all published events of a type, once there are at least `count`."""
        messages = await self._wait_for(count, stream_of(event), event.subject)
        return [event.model_validate_json(message.data) for message in messages]

    async def dead_letters(self, count: int = 0) -> list[Msg]:
        """Return all dead letters, once there are at least `count`."""
        return await self._wait_for(count, DEAD_LETTER_STREAM, f"{DEAD_LETTER_PREFIX}.>")

    async def _wait_for(self, count: int, stream: str, subject: str) -> list[Msg]:
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
            inactive_threshold=TIMEOUT_SECONDS,
        )
        consumer = await self.js.add_consumer(stream, config)
        try:
            pending = consumer.num_pending or 0
            if not pending:
                return []
            subscription = await self.js.pull_subscribe_bind(consumer.name, stream=stream)
            messages: list[Msg] = []
            while len(messages) < pending:
                messages += await subscription.fetch(
                    pending - len(messages), timeout=ATTEMPT_SECONDS
                )
            await subscription.unsubscribe()
            return messages
        finally:
            await self.js.delete_consumer(stream, consumer.name)


async def _has_parked_nothing() -> bool:
    return await parked_events.rows().count_documents({}) == 0
