"""Saying something in a service's place."""

from bson import ObjectId
from nats.js import JetStreamContext

from ticketing_common.events import Envelope, InvalidMessage, utc_now
from ticketing_dev.stack.control import Refused
from ticketing_ops.events.subjects import BY_SUBJECT


def sealed(subject: str, body: bytes) -> Envelope:
    """The event in an envelope as its producer would make it.

    Raises Refused where there is no such event or the JSON is not one.
    """
    event = BY_SUBJECT.get(subject)
    if event is None:
        raise Refused(f"No event has the subject {subject}. There are: {', '.join(BY_SUBJECT)}")
    try:
        opened = Envelope(subject, body).open(event)
    except InvalidMessage as error:
        raise Refused(str(error)) from None
    return Envelope.seal(opened, id=str(ObjectId()), time=utc_now(), trace={})


async def publish(js: JetStreamContext, envelope: Envelope) -> str:
    """Say it; gives the event's id once it is stored. Raises NatsError."""
    await js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers), timeout=5)
    return envelope.id
