"""A domain event as a message: CloudEvents attributes in the headers, the event's JSON as body."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypeVar

from pydantic import ValidationError

from ticketing_common.events.base import DomainEvent

E = TypeVar("E", bound=DomainEvent)


class InvalidMessage(Exception):
    """The message is not the event that its subject stands for."""


def source_of(event_type: type[DomainEvent]) -> str:
    """Return the `ce-source` of an event's messages."""
    return f"/{event_type.producer}"


@dataclass(frozen=True)
class Envelope:
    """One message. Source of the header names: CloudEvents 1.0.2, NATS protocol binding."""

    subject: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def encode(cls, event: DomainEvent, *, id: str, time: datetime, trace: dict[str, str]) -> Self:
        """Build the message of an event. `trace` are the headers that continue the trace."""
        return cls(
            subject=event.subject,
            body=event.model_dump_json(by_alias=True).encode(),
            headers={
                "Nats-Msg-Id": id,
                "ce-id": id,
                "ce-type": type(event).__name__,
                "ce-source": source_of(type(event)),
                "ce-time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "ce-specversion": "1.0",
                "content-type": "application/json",
                **trace,
            },
        )

    @property
    def id(self) -> str:
        """The event's id, the same for every delivery. Raises InvalidMessage if there is none."""
        try:
            return self.headers["ce-id"]
        except KeyError:
            raise InvalidMessage("The message has no ce-id header") from None

    def decode(self, event_type: type[E]) -> E:
        """Parse the event of a message from its producer.

        Raises InvalidMessage, with a text that repeats nothing of the message.
        """
        source = source_of(event_type)
        if self.headers.get("ce-source") != source:
            raise InvalidMessage(f"The ce-source of {self.subject} is not its producer {source}")
        return self.parse(event_type)

    def parse(self, event_type: type[E]) -> E:
        """Parse the event of any body. Raises InvalidMessage as `decode`."""
        try:
            return event_type.model_validate_json(self.body)
        except ValidationError as error:
            rules = ", ".join(
                f"{'.'.join(str(part) for part in rule['loc']) or 'body'}: {rule['msg']}"
                for rule in error.errors(include_input=False, include_url=False)
            )
            raise InvalidMessage(f"Invalid {event_type.__name__}: {rules}") from None
