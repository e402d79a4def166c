"""Reading streams in an audit. Every function raises StoreUnavailable."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from ticketing_common.messaging.stream_reader import BATCH_SIZE, StoredMessage
from ticketing_ops.audit.errors import StoreUnavailable
from ticketing_ops.events.reading import Message, read_stream

ALL = (">",)


@contextmanager
def nats_errors() -> Iterator[None]:
    """Raise StoreUnavailable for an error of NATS."""
    try:
        yield
    except (NatsError, OSError) as error:
        raise StoreUnavailable("NATS", error) from error


async def read_batches(
    js: JetStreamContext, stream: str
) -> AsyncGenerator[Sequence[Message], None]:
    """Yield the messages that a stream has now, oldest first; none if it does not exist."""
    batch: list[Message] = []
    with nats_errors():
        async with aclosing(read_stream(js, stream, ALL)) as messages:
            async for message in messages:
                batch.append(message)
                if len(batch) == BATCH_SIZE:
                    yield batch
                    batch = []
    if batch:
        yield batch


async def read_message(js: JetStreamContext, stream: str, sequence: int) -> Message | None:
    """Return one message, None if the stream no longer has it."""
    with nats_errors():
        try:
            return Message.of_stored(
                stream, StoredMessage.of_leader(await js.get_msg(stream, sequence))
            )
        except NotFoundError:
            return None


async def next_message(
    js: JetStreamContext, stream: str, after: int, subjects: Sequence[str]
) -> Message | None:
    """Return the first message of some subjects after a sequence number."""
    found = []
    with nats_errors():
        for subject in subjects:
            with suppress(NotFoundError):
                stored = await js.get_msg(stream, after + 1, subject, next=True)
                found.append(Message.of_stored(stream, StoredMessage.of_leader(stored)))
    return min(found, key=lambda message: message.sequence, default=None)


def acknowledged_sequence(consumer: ConsumerInfo) -> int:
    """Return the sequence number up to which a consumer has acknowledged all its messages."""
    return consumer.ack_floor.stream_seq if consumer.ack_floor is not None else 0
