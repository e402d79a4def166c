"""What a stream still holds."""

from collections.abc import AsyncIterator

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.streams import ephemeral_name, stream_of

BATCH = 256


async def history(
    js: JetStreamContext, service: str, *events: type[DomainEvent]
) -> AsyncIterator[DomainEvent]:
    """Every event of these kinds, all of one stream, that it holds now, the oldest first.

    `service` is who asks. What cannot be read is passed over: the dead letters have it.
    Raises NatsError.
    """
    (stream,) = {stream_of(event) for event in events}
    by_subject = {event.subject: event for event in events}
    consumer = await js.add_consumer(
        stream,
        ConsumerConfig(
            name=ephemeral_name(service),
            filter_subjects=sorted(by_subject),
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=30,
            mem_storage=True,
        ),
    )
    left = consumer.num_pending or 0
    subscription = await js.pull_subscribe_bind(consumer.name, stream=stream)
    try:
        while left > 0:
            for message in await subscription.fetch(min(BATCH, left), timeout=5):
                left -= 1
                try:
                    yield Envelope(message.subject, message.data).open(by_subject[message.subject])
                except InvalidMessage:
                    continue
    finally:
        await subscription.unsubscribe()
