"""Where an event goes that cannot be handled."""

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import Header

from ticketing_common.messaging.listeners import Listener
from ticketing_common.messaging.replay import original_subject
from ticketing_common.messaging.streams import DEAD_LETTER_PREFIX, DEAD_LETTERS


async def bury(
    js: JetStreamContext, message: Msg, listener: Listener, *, cause: str, tries: int
) -> None:
    """Copy a message, with why it could not be handled, and end its delivery.

    Returns once the copy is stored; a failure raises, and the message is delivered again.
    """
    subject = original_subject(message.subject)
    headers = {
        **(message.headers or {}),
        "Dead-Letter-Listener": listener.name,
        "Dead-Letter-Subject": subject,
        "Dead-Letter-Cause": " ".join(cause.split())[:1000],
        "Dead-Letter-Tries": str(tries),
        "Nats-Msg-Id": f"{listener.service}:{message.metadata.stream}:"
        f"{message.metadata.sequence.stream}",
    }
    if listener.event.max_age is not None:
        headers[Header.MSG_TTL] = f"{int(listener.event.max_age.total_seconds())}s"
    await js.publish(
        f"{DEAD_LETTER_PREFIX}.{listener.service}.{subject}",
        message.data,
        headers=headers,
        stream=DEAD_LETTERS,
        timeout=5,
    )
    await message.term()
