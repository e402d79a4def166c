"""The dead-letter stream: domain events that a listener could not handle."""

from nats.js import JetStreamContext
from nats.js.api import Header

from ticketing_common.events import Envelope
from ticketing_common.messaging.listeners import Listener
from ticketing_common.messaging.publish import publish
from ticketing_common.messaging.streams import DEAD_LETTER_PREFIX, DEAD_LETTER_STREAM

MAX_CAUSE_CHARACTERS = 1000


async def publish_dead_letter(
    js: JetStreamContext,
    event: Envelope,
    listener: Listener,
    *,
    stream: str,
    sequence: int,
    cause: str,
    attempts: int,
) -> None:
    """Copy an event, with its own subject, with the cause of its failure.

    `stream` and `sequence` are the place of its message. Returns once the copy is stored. Raises:
    NatsError.
    """
    headers = {
        **event.headers,
        "Dead-Letter-Listener": listener.name,
        "Dead-Letter-Subject": event.subject,
        "Dead-Letter-Cause": " ".join(cause.split())[:MAX_CAUSE_CHARACTERS],
        "Dead-Letter-Attempts": str(attempts),
        "Nats-Msg-Id": f"{listener.service}:{stream}:{sequence}",
    }
    if listener.event.max_age is not None:
        headers[Header.MSG_TTL] = f"{int(listener.event.max_age.total_seconds())}s"
    dead_letter_subject = f"{DEAD_LETTER_PREFIX}.{listener.service}.{event.subject}"
    dead_letter = Envelope(dead_letter_subject, event.body, headers)
    await publish(js, dead_letter, stream=DEAD_LETTER_STREAM)
