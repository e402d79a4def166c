"""`ticketing events publish`."""

from bson import ObjectId
from nats.js import JetStreamContext

from ticketing_common.events import Envelope, InvalidMessage, utc_now
from ticketing_ops.errors import CommandError
from ticketing_ops.events.subjects import BY_SUBJECT


def envelope_of(subject: str, body: bytes) -> Envelope:
    """Validate a domain event, and return it in an envelope as its producer would send it.

    Raises:
        CommandError: No event has the subject, or the body is not that event.
    """
    event = BY_SUBJECT.get(subject)
    if event is None:
        raise CommandError(
            f"No domain event has the subject {subject}. Subjects: {', '.join(BY_SUBJECT)}"
        )
    try:
        decoded = Envelope(subject, body).parse(event)
    except InvalidMessage as error:
        raise CommandError(str(error)) from None
    return Envelope.encode(decoded, id=str(ObjectId()), time=utc_now(), trace={})


async def publish(js: JetStreamContext, envelope: Envelope) -> str:
    """Publish an event, and return its id once the stream has stored it. Raises NatsError."""
    await js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers), timeout=5)
    return envelope.id
