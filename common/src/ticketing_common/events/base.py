"""The base classes of all domain events."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ticketing_common.events.values import Id


class DomainEvent(BaseModel):
    """Something that happened, as it is published on the message bus: camelCase, past tense.

    Consumers ignore fields that they do not know, so an event may gain fields.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        frozen=True,
    )

    producer: ClassVar[str]
    """The service that publishes it."""
    aggregate: ClassVar[str]
    """The kind of document that it is about."""
    subject: ClassVar[str]
    """The NATS subject: `<aggregate>.<what happened>`."""
    stream: ClassVar[str | None] = None
    """Its stream, if not that of its aggregate. A reader of a stream sees all of its events."""
    max_age: ClassVar[timedelta | None] = None
    """How long the bus may keep it, if shorter than the other events."""

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """Build the event from the attributes of `source` that have its fields' names.

        `more` gives the fields that the source does not have.
        """
        fields = {name: getattr(source, name) for name in cls.model_fields if hasattr(source, name)}
        return cls.model_validate(fields | more)

    @property
    def aggregate_id(self) -> str:
        """The document that it is about. Events of one aggregate keep their order."""
        raise NotImplementedError

    @property
    def aggregate_version(self) -> int:
        """The document's version, which orders the events of the aggregate. 0 without a version."""
        return 0


class VersionedEvent(DomainEvent):
    """A domain event about a new version of one document.

    All events of a version are added in one transaction, so that the version names the event before
    the next one. A step that changes no field counts a version up for its event.
    """

    id: Id
    version: int
    """The document's version: a consumer can tell an old event, the next one and a gap apart."""

    @property
    def aggregate_id(self) -> str:
        return self.id

    @property
    def aggregate_version(self) -> int:
        return self.version
