"""Which streams and consumers there are, and how they come to be."""

from datetime import timedelta
from secrets import token_hex

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import STREAM_RETENTION, Listeners
from ticketing_common.messaging.replay import REPLAY_STREAM, address

DEAD_LETTERS = "DEAD-LETTERS"
DEAD_LETTER_PREFIX, DISCARDED_PREFIX = "dead-letter", "discarded-letter"
"""What a dead letter's subject begins with, and that of the note that it was discarded."""
ACK_SECONDS = 30
"""How long a delivery may take before the broker delivers the event again."""


def stream_of(event: type[DomainEvent]) -> str:
    """One stream a noun; an event that may not be kept as long has one of its own."""
    name = event.noun() if event.max_age is None else event.subject
    return name.replace(".", "-").upper()


def streams() -> list[StreamConfig]:
    """Every stream of the system, derived from the events."""
    subjects: dict[str, list[str]] = {}
    ages: dict[str, timedelta] = {}
    for event in EVENTS:
        subjects.setdefault(stream_of(event), []).append(event.subject)
        ages[stream_of(event)] = event.max_age or STREAM_RETENTION
    configs = [_stream(name, heard, ages[name]) for name, heard in subjects.items()]
    dead_letters = _stream(
        DEAD_LETTERS, [f"{DEAD_LETTER_PREFIX}.>", f"{DISCARDED_PREFIX}.>"], STREAM_RETENTION
    )
    # A dead letter may carry a secret, and then lives no longer than the secret may.
    dead_letters.allow_msg_ttl = True
    again = _stream(REPLAY_STREAM, [address("*", ">")], STREAM_RETENTION)
    again.allow_msg_ttl = True
    again.retention = RetentionPolicy.WORK_QUEUE
    return [*configs, dead_letters, again]


def streams_produced_by(service: str) -> set[str]:
    """The names of the streams of which a service is the producer."""
    return {stream_of(event) for event in EVENTS if event.producer() == service}


def streams_used_by(listeners: Listeners) -> set[str]:
    """The names of all streams that a service has anything to do with."""
    heard = consumers(listeners)
    return streams_produced_by(listeners.service) | {*heard} | ({DEAD_LETTERS} if heard else set())


def _stream(name: str, subjects: list[str], max_age: timedelta) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=subjects,
        storage=StorageType.FILE,
        max_age=max_age.total_seconds(),
        duplicate_window=120,
    )


def consumers(listeners: Listeners) -> dict[str, ConsumerConfig]:
    """The service's consumer of each stream it listens to, named after the service.

    One consumer hears all that a service wants of a stream, so it hears it in the stream's order.
    """
    subjects: dict[str, list[str]] = {}
    for listener in listeners:
        subjects.setdefault(stream_of(listener.event), []).append(listener.event.subject)
    configs = {
        stream: _consumer(listeners.service, sorted(wanted)) for stream, wanted in subjects.items()
    }
    if configs:
        configs[REPLAY_STREAM] = _consumer(listeners.service, [address(listeners.service, ">")])
        # In a replay many may wait for what the bus has forgotten; the others need not.
        configs[REPLAY_STREAM].max_ack_pending = -1
    return configs


def ephemeral_name(service: str) -> str:
    """A name for a consumer of one process, which the broker forgets with it.

    It has one because a request that names none in its subject may name anybody's in its body,
    and so no permissions could hold a service to its own.
    """
    return f"{service}-{token_hex(8)}"


def filter_subjects_of(consumer: ConsumerConfig) -> list[str]:
    """The subjects that a consumer asks for."""
    one = consumer.filter_subject
    return [*(consumer.filter_subjects or []), *([one] if one else [])]


def _consumer(service: str, subjects: list[str]) -> ConsumerConfig:
    return _hearing(
        ConsumerConfig(
            name=service,
            durable_name=service,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_SECONDS,
            max_ack_pending=1000,
            # We count tries ourselves: a crash on the broker's last delivery would drop the event.
            max_deliver=-1,
        ),
        subjects,
    )


def _hearing(consumer: ConsumerConfig, subjects: list[str]) -> ConsumerConfig:
    """One subject is said in the singular: it is then part of the request's own subject, and the
    broker's permissions can hold a service to it."""
    if len(subjects) == 1:
        return consumer.evolve(filter_subject=subjects[0], filter_subjects=None)
    return consumer.evolve(filter_subject=None, filter_subjects=subjects)


async def provision(
    js: JetStreamContext, listeners: Listeners | None = None, *, replicas: int = 1
) -> None:
    """Make the streams that a service uses, update those in which it speaks, make its consumers.

    Without a service: make and update every stream, as only an operator may. `replicas`: how many
    servers of the broker keep each stream.
    """
    used = None if listeners is None else streams_used_by(listeners)
    spoken = None if listeners is None else streams_produced_by(listeners.service)
    for config in streams():
        if used is None or config.name in used:
            config.num_replicas = replicas
            await _make(js, config, update=spoken is None or config.name in spoken)
    if listeners is not None:
        for stream, consumer in consumers(listeners).items():
            await _listen(js, stream, consumer)


async def _make(js: JetStreamContext, config: StreamConfig, *, update: bool) -> None:
    try:
        existing = (await js.stream_info(str(config.name))).config
    except NotFoundError:
        await js.add_stream(config)
        return
    # During a rolling update an older version must not take a newer one's subjects away.
    config.subjects = sorted({*(config.subjects or []), *(existing.subjects or [])})
    wanted = (config.subjects, config.max_age, config.num_replicas)
    if update and (sorted(existing.subjects or []), existing.max_age, _copies(existing)) != wanted:
        existing.subjects, existing.max_age, existing.num_replicas = wanted
        await js.update_stream(existing)


def _copies(stream: StreamConfig) -> int:
    return stream.num_replicas or 1


async def _listen(js: JetStreamContext, stream: str, consumer: ConsumerConfig) -> None:
    try:
        existing = (await js.consumer_info(stream, str(consumer.name))).config
    except NotFoundError:
        await js.add_consumer(stream, consumer)
        return
    # Nor what a newer one listens to: the broker passes over what no consumer asks for.
    both = sorted({*filter_subjects_of(consumer), *filter_subjects_of(existing)})
    wanted = _hearing(consumer, both)
    # What is as it should be is left alone: an older version may not say again what a newer one's
    # permissions do not know any more.
    if _told(existing) != _told(wanted):
        await js.add_consumer(stream, wanted)


def _told(consumer: ConsumerConfig) -> tuple[object, ...]:
    """All that we ever set of a consumer."""
    return (
        sorted(filter_subjects_of(consumer)),
        consumer.ack_policy,
        consumer.ack_wait,
        consumer.max_ack_pending,
        consumer.max_deliver,
    )
