"""The JetStream streams and consumers, derived from the domain events and the listeners."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta
from secrets import token_hex

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import STREAM_RETENTION, Listeners
from ticketing_common.messaging.replay import REPLAY_STREAM, replay_subject

DEAD_LETTER_STREAM = "DEAD-LETTERS"
DEAD_LETTER_PREFIX, DISCARDED_PREFIX = "dead-letter", "discarded-dead-letter"
"""First token of a dead letter's subject, and of the record that it was discarded."""
ACK_WAIT_SECONDS = 30
"""How long a delivery may take before the broker redelivers the event."""
MAX_ACK_PENDING = 1000
CREATED, UPDATED = "created", "updated"


def stream_of(event: type[DomainEvent]) -> str:
    """Return the stream of an event: one per aggregate, or its own if its `max_age` is shorter."""
    name = event.aggregate if event.max_age is None else event.subject
    return name.replace(".", "-").upper()


def streams() -> list[StreamConfig]:
    """Return the configuration of every stream."""
    subjects: dict[str, list[str]] = {}
    ages: dict[str, timedelta] = {}
    for event in EVENTS:
        subjects.setdefault(stream_of(event), []).append(event.subject)
        ages[stream_of(event)] = event.max_age or STREAM_RETENTION
    event_streams = [_stream(name, subjects[name], ages[name]) for name in subjects]
    dead_letters = _stream(
        DEAD_LETTER_STREAM, [f"{DEAD_LETTER_PREFIX}.>", f"{DISCARDED_PREFIX}.>"], STREAM_RETENTION
    )
    # A dead letter that carries a secret is kept no longer than the secret is valid.
    dead_letters.allow_msg_ttl = True
    replay = _stream(REPLAY_STREAM, [replay_subject("*", ">")], STREAM_RETENTION)
    replay.allow_msg_ttl = True
    replay.retention = RetentionPolicy.WORK_QUEUE
    return [*event_streams, dead_letters, replay]


def streams_produced_by(service: str) -> set[str]:
    """Return the names of the streams that a service publishes to."""
    return {stream_of(event) for event in EVENTS if event.producer == service}


def streams_used_by(listeners: Listeners, followed: type[DomainEvent] | None = None) -> set[str]:
    """Return the names of all streams that a service publishes to, consumes or follows."""
    consumed = set(consumers(listeners))
    return (
        streams_produced_by(listeners.service)
        | consumed
        | ({DEAD_LETTER_STREAM} if consumed else set())
        | ({stream_of(followed)} if followed is not None else set())
    )


def _stream(name: str, subjects: list[str], max_age: timedelta) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=subjects,
        storage=StorageType.FILE,
        max_age=max_age.total_seconds(),
        duplicate_window=120,
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


def ephemeral_name(service: str) -> str:
    """Return a name for a consumer of one process, which the broker deletes after it.

    It needs a name: the broker's permissions apply to the name in the request's subject, and a
    request without one could name any consumer in its body.
    """
    return f"{service}-{token_hex(8)}"


def filter_subjects_of(consumer: ConsumerConfig) -> list[str]:
    """Return the subjects that a consumer receives."""
    single = consumer.filter_subject
    return [*(consumer.filter_subjects or []), *([single] if single else [])]


def _consumer(service: str, subjects: list[str]) -> ConsumerConfig:
    return _with_filter(
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


def _with_filter(consumer: ConsumerConfig, subjects: list[str]) -> ConsumerConfig:
    """Set the filter of a consumer.

    A single subject is part of the request's subject, so the broker's permissions can restrict it.
    """
    if len(subjects) == 1:
        return consumer.evolve(filter_subject=subjects[0], filter_subjects=None)
    return consumer.evolve(filter_subject=None, filter_subjects=subjects)


async def provision(
    js: JetStreamContext,
    listeners: Listeners | None = None,
    *,
    followed: type[DomainEvent] | None = None,
    replicas: int = 1,
) -> None:
    """Create the streams that a service uses, update those it publishes to, create its consumers.

    Without listeners, create and update every stream, which only an operator may do. `replicas` is
    the number of NATS servers that keep each stream.
    """
    used = None if listeners is None else streams_used_by(listeners, followed)
    produced = None if listeners is None else streams_produced_by(listeners.service)
    for config in streams():
        if used is None or config.name in used:
            config.num_replicas = replicas
            await _provision_stream(js, config, update=produced is None or config.name in produced)
    if listeners is not None:
        for stream, consumer in consumers(listeners).items():
            await _provision_consumer(js, stream, consumer)


async def provision_system(
    js: JetStreamContext,
    consumed: Mapping[str, Iterable[type[DomainEvent]]],
    *,
    replicas: int | None = None,
) -> AsyncIterator[str]:
    """Create and update every stream and every consumer, which only an operator may do.

    `consumed` are the events that each service consumes. Without `replicas`, a stream keeps its
    number, and a new one gets the highest number of the others. Yields a line for each change.
    """
    existing = {info.config.name: info.config.num_replicas or 1 for info in await js.streams_info()}
    for config in streams():
        most = max(existing.values(), default=1)
        config.num_replicas = replicas or existing.get(config.name, most)
        if change := await _provision_stream(js, config, update=True):
            yield f"{change} stream {config.name}"
    for service, events in consumed.items():
        for stream, consumer in consumers_of(service, events).items():
            if change := await _provision_consumer(js, stream, consumer):
                yield f"{change} consumer {service} of {stream}"


async def _provision_stream(
    js: JetStreamContext, config: StreamConfig, *, update: bool
) -> str | None:
    try:
        existing = (await js.stream_info(str(config.name))).config
    except NotFoundError:
        await js.add_stream(config)
        return CREATED
    # Keep unknown subjects: during a rolling update a newer release may have added them.
    config.subjects = sorted({*(config.subjects or []), *(existing.subjects or [])})
    wanted = (config.subjects, config.max_age, config.num_replicas)
    current = (sorted(existing.subjects or []), existing.max_age, existing.num_replicas or 1)
    if not update or current == wanted:
        return None
    existing.subjects, existing.max_age, existing.num_replicas = wanted
    await js.update_stream(existing)
    return UPDATED


async def _provision_consumer(
    js: JetStreamContext, stream: str, consumer: ConsumerConfig
) -> str | None:
    try:
        existing = (await js.consumer_info(stream, str(consumer.name))).config
    except NotFoundError:
        await js.add_consumer(stream, consumer)
        return CREATED
    # Keep unknown subjects: the broker skips events that no consumer's filter has.
    subjects = sorted({*filter_subjects_of(consumer), *filter_subjects_of(existing)})
    wanted = _with_filter(consumer, subjects)
    # An unchanged consumer is not sent again: an older release may lack the permission for the
    # subjects of a newer one.
    if _settings_of(existing) == _settings_of(wanted):
        return None
    await js.add_consumer(stream, wanted)
    return UPDATED


def _settings_of(consumer: ConsumerConfig) -> tuple[object, ...]:
    """Return all settings of a consumer that this module sets."""
    return (
        sorted(filter_subjects_of(consumer)),
        consumer.ack_policy,
        consumer.ack_wait,
        consumer.max_ack_pending,
        consumer.max_deliver,
    )
