"""The dead letters: what no listener could handle."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Self

from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import NotFoundError

from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.streams import DEAD_LETTER_PREFIX, DEAD_LETTERS, DISCARDED_PREFIX
from ticketing_dev.stack.control import Refused
from ticketing_ops.events.display import as_json, seen
from ticketing_ops.events.reading import Message, held


@dataclass(frozen=True)
class Letter:
    """One dead letter."""

    message: Message

    @classmethod
    async def find(cls, js: JetStreamContext, number: int) -> Self:
        """The one of this number. Raises Refused where there is none."""
        try:
            found = await js.get_msg(DEAD_LETTERS, number)
        except NotFoundError:
            raise Refused(f"There is no dead letter {number}.") from None
        assert found.subject is not None
        assert found.time is not None
        return cls(
            Message(
                stream=DEAD_LETTERS,
                number=number,
                time=found.time,
                subject=found.subject,
                headers=found.headers or {},
                body=found.data or b"",
            )
        )

    @property
    def number(self) -> int:
        return self.message.number

    @property
    def service(self) -> str:
        """Whose listener it was."""
        return self.message.subject.split(".")[1]

    @property
    def subject(self) -> str:
        """The event's own."""
        return self.message.subject.split(".", 2)[2]

    def about(self) -> dict[str, Any]:
        """What there is to know of it but for its body and headers."""
        headers = self.message.headers
        return {
            "id": self.number,
            "time": as_json(self.message)["time"],
            "listener": headers.get("Dead-Letter-Listener", self.service),
            "subject": self.subject,
            "event": headers.get("ce-id"),
            "tries": int(headers.get("Dead-Letter-Tries", 0)),
            "error": headers.get("Dead-Letter-Cause", ""),
        }

    def all(self) -> dict[str, Any]:
        """Everything, but for the secrets in it."""
        return {
            **self.about(),
            "headers": dict(self.message.headers),
            "body": seen(self.subject, self.message.body),
        }


async def letters(js: JetStreamContext) -> AsyncGenerator[Letter, None]:
    """All there are, without their bodies, the oldest first."""
    async with aclosing(
        held(js, DEAD_LETTERS, [f"{DEAD_LETTER_PREFIX}.>"], headers_only=True)
    ) as messages:
        async for message in messages:
            yield Letter(message)


async def retry(js: JetStreamContext, number: int) -> Letter:
    """Have the listener that failed, and no other, get the event again. Raises Refused."""
    letter = await Letter.find(js, number)
    headers = {
        name: value
        for name, value in letter.message.headers.items()
        # What the broker is told stands for the letter, but for how long it may be kept.
        if not name.startswith(("Dead-Letter-", "Nats-")) or name == Header.MSG_TTL
    }
    await publish_replay(
        js, letter.service, letter.subject, letter.message.body, headers, id=f"letter:{number}"
    )
    await js.delete_msg(DEAD_LETTERS, number)
    return letter


async def discard(js: JetStreamContext, number: int) -> Letter:
    """Forget it for good, all but that it was: the audit would miss the event. Raises Refused."""
    letter = await Letter.find(js, number)
    headers = dict(letter.message.headers)
    place = headers.get(Header.MSG_ID, "")
    headers |= {"Dead-Letter-Place": place, Header.MSG_ID: f"{DISCARDED_PREFIX}:{number}"}
    await _take_notes(js)
    await js.publish(f"{DISCARDED_PREFIX}.{letter.service}.{letter.subject}", b"", headers=headers)
    await js.delete_msg(DEAD_LETTERS, number)
    return letter


async def _take_notes(js: JetStreamContext) -> None:
    """A stream from before there were such notes is changed by nobody but an operator."""
    stream = (await js.stream_info(DEAD_LETTERS)).config
    notes = f"{DISCARDED_PREFIX}.>"
    if notes not in (stream.subjects or []):
        stream.subjects = [*(stream.subjects or []), notes]
        await js.update_stream(stream)
