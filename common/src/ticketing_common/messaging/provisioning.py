"""Creating the streams and consumers. Only the NATS users `provisioner` and `operator` may do it.

A service may not: the settings of a stream or a consumer can name any subject and any stream, so
their author can read and publish everything.
"""

import asyncio
from collections.abc import Iterable, Mapping

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from ticketing_common.events import DomainEvent
from ticketing_common.messaging.streams import (
    consumers_of,
    filter_subjects_of,
    streams,
    with_filter,
)

CREATED, UPDATED = "created", "updated"


async def provision(
    js: JetStreamContext,
    consumed: Mapping[str, Iterable[type[DomainEvent]]],
    *,
    replicas: int | None = None,
) -> list[str]:
    """Create and update every stream and every consumer. Returns a line for each change.

    `consumed` are the events that each service consumes. `replicas` is the number of NATS servers
    that keep each stream; without it a stream keeps its number, and a new one gets the highest
    number of the others. Raises: NatsError.
    """
    wanted = {str(config.name): config for config in streams()}
    found = await asyncio.gather(*(_existing_stream(js, name) for name in wanted))
    existing = {str(config.name): config for config in found if config is not None}
    most = max((config.num_replicas or 1 for config in existing.values()), default=1)
    changes = await asyncio.gather(
        *(
            _provision_stream(js, config, existing.get(name), replicas, most)
            for name, config in wanted.items()
        )
    )
    changes += await asyncio.gather(
        *(
            _provision_consumer(js, stream, consumer)
            for service, events in consumed.items()
            for stream, consumer in consumers_of(service, events).items()
        )
    )
    return [change for change in changes if change is not None]


async def _existing_stream(js: JetStreamContext, name: str) -> StreamConfig | None:
    try:
        return (await js.stream_info(name)).config
    except NotFoundError:
        return None


async def _provision_stream(
    js: JetStreamContext,
    config: StreamConfig,
    existing: StreamConfig | None,
    replicas: int | None,
    default_replicas: int,
) -> str | None:
    if existing is None:
        await js.add_stream(config.evolve(num_replicas=replicas or default_replicas))
        return f"{CREATED} stream {config.name}"
    wanted = existing.evolve(
        # Keep unknown subjects: during a rolling update a newer release may have added them.
        subjects=sorted({*(config.subjects or []), *(existing.subjects or [])}),
        max_age=config.max_age,
        num_replicas=replicas or existing.num_replicas,
        allow_direct=config.allow_direct,
        republish=config.republish,
    )
    if wanted == existing.evolve(subjects=sorted(existing.subjects or [])):
        return None
    await js.update_stream(wanted)
    return f"{UPDATED} stream {config.name}"


async def _provision_consumer(
    js: JetStreamContext, stream: str, consumer: ConsumerConfig
) -> str | None:
    try:
        existing = (await js.consumer_info(stream, str(consumer.name))).config
    except NotFoundError:
        await js.add_consumer(stream, consumer)
        return f"{CREATED} consumer {consumer.name} of {stream}"
    # Keep unknown subjects: the broker skips events that no consumer's filter has.
    subjects = sorted({*filter_subjects_of(consumer), *filter_subjects_of(existing)})
    wanted = with_filter(consumer, subjects)
    if _settings_of(existing) == _settings_of(wanted):
        return None
    await js.add_consumer(stream, wanted)
    return f"{UPDATED} consumer {consumer.name} of {stream}"


def _settings_of(consumer: ConsumerConfig) -> tuple[object, ...]:
    """Return all settings of a consumer that this module sets."""
    return (
        sorted(filter_subjects_of(consumer)),
        consumer.ack_policy,
        consumer.ack_wait,
        consumer.max_ack_pending,
        consumer.max_deliver,
    )
