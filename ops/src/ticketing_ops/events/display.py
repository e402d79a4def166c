"""What an operator sees of a message: all but the secrets in it."""

import json
from functools import cache
from typing import Any

from pydantic_core import to_jsonable_python

from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.replay import original_subject
from ticketing_ops.events.reading import Message
from ticketing_ops.events.subjects import BY_SUBJECT

WITHHELD = "(withheld: it cannot be read, and may hold a secret)"


def seen(subject: str, body: bytes) -> Any:
    """The body's JSON, or its text where it is none. Of a secret there are stars only."""
    event = BY_SUBJECT.get(subject)
    if event is not None and has_a_secret(event):
        try:
            return to_jsonable_python(Envelope(subject, body).open(event).model_dump(by_alias=True))
        except InvalidMessage:
            return WITHHELD
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="backslashreplace")


@cache
def has_a_secret(event: type[DomainEvent]) -> bool:
    """Whether any of its fields is a secret."""
    return '"writeOnly": true' in json.dumps(event.model_json_schema())


def as_line(message: Message) -> str:
    """One line for people: when, what, and what of it."""
    body = json.dumps(seen(original_subject(message.subject), message.body), ensure_ascii=False)
    return f"{message.time:%Y-%m-%d %H:%M:%S}  {message.subject:<22}  {body}"


def as_json(message: Message) -> dict[str, Any]:
    """All of it, for machines."""
    return {
        "stream": message.stream,
        "number": message.number,
        "time": message.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "subject": message.subject,
        "headers": dict(message.headers),
        "body": seen(original_subject(message.subject), message.body),
    }
