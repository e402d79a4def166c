"""An event on its way: CloudEvents attributes in the headers, the event's JSON as the body."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeVar

from pydantic import ValidationError

from ticketing_common.events.base import DomainEvent

E = TypeVar("E", bound=DomainEvent)


class InvalidMessage(Exception):
    """The body is not the event that its subject promises."""


@dataclass(frozen=True)
class Envelope:
    """One message. Source of the header names: CloudEvents 1.0.2, NATS protocol binding."""

    subject: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def seal(cls, event: DomainEvent, *, id: str, time: datetime, trace: dict[str, str]) -> Self:
        return cls(
            subject=event.subject,
            body=event.model_dump_json(by_alias=True).encode(),
            headers={
                "Nats-Msg-Id": id,
                "ce-id": id,
                "ce-type": type(event).__name__,
                "ce-source": f"/{event.producer()}",
                "ce-time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "ce-specversion": "1.0",
                "content-type": "application/json",
                **trace,
            },
        )

    @property
    def id(self) -> str:
        """The event's own id: the same however often it is delivered.

        Raises Unreadable where the message has none."""
        try:
            return self.headers["ce-id"]
        except KeyError:
            raise InvalidMessage("The message has no ce-id header") from None

    def open(self, event_type: type[E]) -> E:
        """The event inside. Raises Unreadable, in words that repeat nothing of the body."""
        try:
            return event_type.model_validate_json(self.body)
        except ValidationError as error:
            rules = ", ".join(
                f"{'.'.join(str(part) for part in rule['loc']) or 'body'}: {rule['msg']}"
                for rule in error.errors(include_input=False, include_url=False)
            )
            raise InvalidMessage(f"Not a {event_type.__name__}: {rules}") from None
