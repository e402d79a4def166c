"""The dead-letter stream: domain events that a listener could not handle."""

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import Header

from ticketing_common.events import Envelope
from ticketing_common.messaging.listeners import Listener
from ticketing_common.messaging.publish import publish
from ticketing_common.messaging.replay import original_subject
from ticketing_common.messaging.streams import DEAD_LETTER_PREFIX, DEAD_LETTER_STREAM

MAX_CAUSE_CHARACTERS = 1000


async def publish_dead_letter(
    js: JetStreamContext, message: Msg, listener: Listener, *, cause: str, attempts: int
) -> None:
    """Copy a message with the cause of its failure, then end its delivery.

    Returns once the copy is stored. Raises: NatsError; the message is then redelivered.
    """
    subject = original_subject(message.subject)
    headers = {
        **(message.headers or {}),
        "Dead-Letter-Listener": listener.name,
        "Dead-Letter-Subject": subject,
        "Dead-Letter-Cause": " ".join(cause.split())[:MAX_CAUSE_CHARACTERS],
        "Dead-Letter-Attempts": str(attempts),
        "Nats-Msg-Id": f"{listener.service}:{message.metadata.stream}:"
        f"{message.metadata.sequence.stream}",
    }
    if listener.event.max_age is not None:
        headers[Header.MSG_TTL] = f"{int(listener.event.max_age.total_seconds())}s"
    dead_letter_subject = f"{DEAD_LETTER_PREFIX}.{listener.service}.{subject}"
    dead_letter = Envelope(dead_letter_subject, message.data, headers)
    await publish(js, dead_letter, stream=DEAD_LETTER_STREAM)
    await message.term()
