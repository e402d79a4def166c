"""The JetStream streams and consumers, derived from the domain events and the listeners."""

from collections.abc import Iterable
from datetime import timedelta

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    RePublish,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import STREAM_RETENTION, Listeners
from ticketing_common.messaging.replay import REPLAY_STREAM, replay_subject

DEAD_LETTER_STREAM = "DEAD-LETTERS"
DEAD_LETTER_PREFIX, DISCARDED_PREFIX = "dead-letter", "discarded-dead-letter"
"""First token of a dead letter's subject, and of the record that it was discarded."""
ACK_WAIT_SECONDS = 30
"""How long a delivery may take before the broker redelivers the event."""
MAX_ACK_PENDING = 1000


def stream_of(event: type[DomainEvent]) -> str:
    """Return the stream of an event: its aggregate's unless the event names another.

    An event whose `max_age` is shorter has a stream of its own.
    """
    name = event.aggregate if event.max_age is None else event.subject
    return event.stream or name.replace(".", "-").upper()


def republished_subject(stream: str, subject: str = ">") -> str:
    """Return the subject of the copies that a stream publishes of the messages it has stored."""
    return f"stored.{stream}.{subject}"


def streams() -> list[StreamConfig]:
    """Return the configuration of every stream."""
    subjects: dict[str, list[str]] = {}
    ages: dict[str, timedelta] = {}
    for event in EVENTS:
        subjects.setdefault(stream_of(event), []).append(event.subject)
        ages[stream_of(event)] = event.max_age or STREAM_RETENTION
    event_streams = [_stream(name, subjects[name], ages[name]) for name in subjects]
    for stream in event_streams:
        stream.republish = RePublish(src=">", dest=republished_subject(str(stream.name)))
    dead_letters = _stream(
        DEAD_LETTER_STREAM, [f"{DEAD_LETTER_PREFIX}.>", f"{DISCARDED_PREFIX}.>"], STREAM_RETENTION
    )
    # A dead letter that carries a secret is kept no longer than the secret is valid.
    dead_letters.allow_msg_ttl = True
    replay = _stream(REPLAY_STREAM, [replay_subject("*", ">")], STREAM_RETENTION)
    replay.allow_msg_ttl = True
    replay.retention = RetentionPolicy.WORK_QUEUE
    return [*event_streams, dead_letters, replay]


SECRET_STREAMS = frozenset(stream_of(event) for event in EVENTS if event.max_age is not None)
"""The streams whose events carry a secret."""


def _stream(name: str, subjects: list[str], max_age: timedelta) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=subjects,
        storage=StorageType.FILE,
        max_age=max_age.total_seconds(),
        duplicate_window=120,
        allow_direct=True,
    )


def consumers(listeners: Listeners) -> dict[str, ConsumerConfig]:
    """Return the service's consumer of each stream that it listens to, named after the service."""
    return consumers_of(listeners.service, [listener.event for listener in listeners])


def consumers_of(service: str, events: Iterable[type[DomainEvent]]) -> dict[str, ConsumerConfig]:
    """Return the consumers, by stream, of a service that consumes these events.

    One consumer per stream receives all subjects that the service listens to, so it receives them
    in the stream's order.
    """
    subjects: dict[str, list[str]] = {}
    for event in events:
        subjects.setdefault(stream_of(event), []).append(event.subject)
    configs = {stream: _consumer(service, sorted(wanted)) for stream, wanted in subjects.items()}
    if configs:
        configs[REPLAY_STREAM] = _consumer(service, [replay_subject(service, ">")])
        # Replayed events may wait for events that the bus no longer has; they must not block it.
        configs[REPLAY_STREAM].max_ack_pending = -1
    return configs


def filter_subjects_of(consumer: ConsumerConfig) -> list[str]:
    """Return the subjects that a consumer receives."""
    single = consumer.filter_subject
    return [*(consumer.filter_subjects or []), *([single] if single else [])]


def _consumer(service: str, subjects: list[str]) -> ConsumerConfig:
    return with_filter(
        ConsumerConfig(
            name=service,
            durable_name=service,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=MAX_ACK_PENDING,
            # The service counts attempts: with a limit here, a crash during the last delivery
            # would lose the event.
            max_deliver=-1,
        ),
        subjects,
    )


def with_filter(consumer: ConsumerConfig, subjects: list[str]) -> ConsumerConfig:
    """Set the filter of a consumer.

    A single subject is part of the request's subject, so the broker's permissions can restrict it.
    """
    if len(subjects) == 1:
        return consumer.evolve(filter_subject=subjects[0], filter_subjects=None)
    return consumer.evolve(filter_subject=None, filter_subjects=subjects)
