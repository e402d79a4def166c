"""Dead letters: events that a listener could not handle."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Self

from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import NotFoundError

from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.stream_reader import StoredMessage
from ticketing_common.messaging.streams import (
    DEAD_LETTER_PREFIX,
    DEAD_LETTER_STREAM,
    DISCARDED_PREFIX,
)
from ticketing_ops.errors import CommandError
from ticketing_ops.events.display import as_json, masked_body
from ticketing_ops.events.reading import Message, read_stream


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter."""

    message: Message

    @classmethod
    async def find(cls, js: JetStreamContext, number: int) -> Self:
        """Return the dead letter of this number. Raises CommandError if there is none."""
        try:
            stored = await js.get_msg(DEAD_LETTER_STREAM, number)
        except NotFoundError:
            raise CommandError(
                f"There is no dead letter {number}. `ticketing dead-letters list` shows all."
            ) from None
        return cls(Message.of_stored(DEAD_LETTER_STREAM, StoredMessage.of_leader(stored)))

    @property
    def number(self) -> int:
        """Its sequence number in the dead-letter stream, which is its id for the operator."""
        return self.message.sequence

    @property
    def service(self) -> str:
        """The service whose listener failed."""
        return self.message.subject.split(".")[1]

    @property
    def subject(self) -> str:
        """The event's own subject."""
        return self.message.subject.split(".", 2)[2]

    def summary(self) -> dict[str, Any]:
        """Return everything but the headers and the body."""
        headers = self.message.headers
        return {
            "id": self.number,
            "time": as_json(self.message)["time"],
            "listener": headers.get("Dead-Letter-Listener", self.service),
            "subject": self.subject,
            "event": self.message.event_id or None,
            "attempts": int(headers.get("Dead-Letter-Attempts", 0)),
            "error": headers.get("Dead-Letter-Cause", ""),
        }

    def details(self) -> dict[str, Any]:
        """Return everything, with secrets masked."""
        return {
            **self.summary(),
            "headers": dict(self.message.headers),
            "body": masked_body(self.subject, self.message.body),
        }


async def dead_letters(js: JetStreamContext) -> AsyncGenerator[DeadLetter, None]:
    """Yield all dead letters, oldest first."""
    async with aclosing(
        read_stream(js, DEAD_LETTER_STREAM, [f"{DEAD_LETTER_PREFIX}.>"])
    ) as messages:
        async for message in messages:
            yield DeadLetter(message)


async def retry(js: JetStreamContext, number: int) -> DeadLetter:
    """Send the event to the service that failed, and delete the dead letter.

    Raises:
        CommandError: There is no such dead letter.
    """
    dead_letter = await DeadLetter.find(js, number)
    headers = {
        name: value
        for name, value in dead_letter.message.headers.items()
        # NATS' own headers belong to the dead letter; the time to live protects a secret.
        if not name.startswith(("Dead-Letter-", "Nats-")) or name == Header.MSG_TTL
    }
    await publish_replay(
        js,
        dead_letter.service,
        dead_letter.subject,
        dead_letter.message.body,
        headers,
        id=f"dead-letter:{number}",
    )
    await js.delete_msg(DEAD_LETTER_STREAM, number)
    return dead_letter


async def discard(js: JetStreamContext, number: int) -> DeadLetter:
    """Delete a dead letter, and keep a record without the body for the audit.

    Raises:
        CommandError: There is no such dead letter.
    """
    dead_letter = await DeadLetter.find(js, number)
    headers = dict(dead_letter.message.headers)
    place = headers.get(Header.MSG_ID, "")
    headers |= {"Dead-Letter-Place": place, Header.MSG_ID: f"{DISCARDED_PREFIX}:{number}"}
    await _accept_discarded(js)
    subject = f"{DISCARDED_PREFIX}.{dead_letter.service}.{dead_letter.subject}"
    await js.publish(subject, b"", headers=headers)
    await js.delete_msg(DEAD_LETTER_STREAM, number)
    return dead_letter


async def _accept_discarded(js: JetStreamContext) -> None:
    """Add the subject of the records to a dead-letter stream that was created without it."""
    stream = (await js.stream_info(DEAD_LETTER_STREAM)).config
    discarded = f"{DISCARDED_PREFIX}.>"
    if discarded not in (stream.subjects or []):
        stream.subjects = [*(stream.subjects or []), discarded]
        await js.update_stream(stream)
