"""Messages as an operator sees them: with their secrets masked."""

import json
from functools import cache
from typing import Any

from pydantic_core import to_jsonable_python

from ticketing_common.events import DomainEvent, Envelope, InvalidMessage
from ticketing_common.messaging.replay import original_subject
from ticketing_common.text import escape_controls
from ticketing_ops.events.reading import Message
from ticketing_ops.events.subjects import BY_SUBJECT

WITHHELD = "(withheld: the body is invalid and may contain a secret)"


def masked_body(subject: str, body: bytes) -> Any:
    """Return the body's JSON with secrets as stars, or its text where it is not JSON."""
    event = BY_SUBJECT.get(subject)
    if event is not None and has_secret(event):
        try:
            return to_jsonable_python(
                Envelope(subject, body).parse(event).model_dump(by_alias=True)
            )
        except InvalidMessage:
            return WITHHELD
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="backslashreplace")


@cache
def has_secret(event: type[DomainEvent]) -> bool:
    """Return whether any field of the event is a secret."""
    return '"writeOnly": true' in json.dumps(event.model_json_schema())


def as_line(message: Message) -> str:
    """Format the time, the subject and the body in one line."""
    body = masked_body(original_subject(message.subject), message.body)
    text = escape_controls(json.dumps(body, ensure_ascii=False))
    return f"{message.time:%Y-%m-%d %H:%M:%S}  {message.subject:<22}  {text}"


def as_json(message: Message) -> dict[str, Any]:
    """Return all of a message as JSON values."""
    return {
        "stream": message.stream,
        "sequence": message.sequence,
        "time": message.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "subject": message.subject,
        "headers": dict(message.headers),
        "body": masked_body(original_subject(message.subject), message.body),
    }
