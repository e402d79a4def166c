"""Which streams and consumers there are, and how they come to be."""

from collections.abc import Iterable
from datetime import timedelta

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from ticketing_common.broker.again import AGAIN, address
from ticketing_common.events import EVENTS, Event
from ticketing_common.listeners import STREAMS_KEEP, Listeners

DEAD_LETTERS = "DEAD-LETTERS"
ACK_SECONDS = 30
"""How long a delivery may take before the broker delivers the event again."""


def stream_of(event: type[Event]) -> str:
    """One stream a noun; an event that may not be kept as long has one of its own."""
    name = event.noun() if event.max_age is None else event.subject
    return name.replace(".", "-").upper()


def streams() -> list[StreamConfig]:
    """Every stream of the system, derived from the events."""
    subjects: dict[str, list[str]] = {}
    ages: dict[str, timedelta] = {}
    for event in EVENTS:
        subjects.setdefault(stream_of(event), []).append(event.subject)
        ages[stream_of(event)] = event.max_age or STREAMS_KEEP
    configs = [_stream(name, heard, ages[name]) for name, heard in subjects.items()]
    dead_letters = _stream(DEAD_LETTERS, ["dead-letter.>"], STREAMS_KEEP)
    # A dead letter may carry a secret, and then lives no longer than the secret may.
    dead_letters.allow_msg_ttl = True
    again = _stream(AGAIN, [address("*", ">")], STREAMS_KEEP)
    again.allow_msg_ttl = True
    again.retention = RetentionPolicy.WORK_QUEUE
    return [*configs, dead_letters, again]


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
        configs[AGAIN] = _consumer(listeners.service, [address(listeners.service, ">")])
        # In a replay many may wait for what the bus has forgotten; the others need not.
        configs[AGAIN].max_ack_pending = -1
    return configs


def _consumer(service: str, subjects: list[str]) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=service,
        filter_subjects=subjects,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_SECONDS,
        max_ack_pending=1000,
        # We count tries ourselves: a crash on the broker's last delivery would drop the event.
        max_deliver=-1,
    )


async def provision(js: JetStreamContext, listeners: Iterable[Listeners]) -> None:
    """Make or update every stream, and the consumers of `listeners`."""
    for config in streams():
        try:
            existing = (await js.stream_info(str(config.name))).config
        except NotFoundError:
            await js.add_stream(config)
            continue
        # During a rolling update an older version must not take a newer one's subjects away.
        config.subjects = sorted({*(config.subjects or []), *(existing.subjects or [])})
        if (sorted(existing.subjects or []), existing.max_age) != (config.subjects, config.max_age):
            existing.subjects, existing.max_age = config.subjects, config.max_age
            await js.update_stream(existing)
    for subscriber in listeners:
        for stream, consumer in consumers(subscriber).items():
            # Nor what a newer one listens to: the broker passes over what no consumer asks for.
            heard = await _heard(js, stream, subscriber.service)
            consumer.filter_subjects = sorted({*(consumer.filter_subjects or []), *heard})
            await js.add_consumer(stream, consumer)


async def _heard(js: JetStreamContext, stream: str, service: str) -> list[str]:
    """The subjects that a service's consumer asks for already."""
    try:
        config = (await js.consumer_info(stream, service)).config
    except NotFoundError:
        return []
    return config.filter_subjects or []
