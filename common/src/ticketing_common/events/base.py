"""What every event is."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ticketing_common.events.values import Id


class DomainEvent(BaseModel):
    """Something that happened, as it is said on the bus: camelCase, in the past tense.

    Each producer's module in this package holds what that service says. Fields that a listener does
    not know are ignored, so an event may grow.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        frozen=True,
    )

    subject: ClassVar[str]
    """Where it is said: `<noun>.<what happened>`."""
    max_age: ClassVar[timedelta | None] = None
    """How long the bus may keep it, where it may not keep it as long as the others."""

    @classmethod
    def producer(cls) -> str:
        """The service that says it."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def noun(cls) -> str:
        return cls.subject.partition(".")[0]

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """The event that tells of `source`, which has attributes of the fields' names.

        `more` are the fields that the source does not have.
        """
        fields = {name: getattr(source, name) for name in cls.model_fields if hasattr(source, name)}
        return cls.model_validate(fields | more)

    @property
    def key(self) -> str:
        """The document that it tells of: the bus keeps the order of one key's events."""
        raise NotImplementedError

    @property
    def position(self) -> int:
        """Its place among its document's events."""
        return 0


class VersionedEvent(DomainEvent):
    """An event that tells of a new version of one document."""

    id: Id
    version: int
    """The document's, so that a listener can tell an old event, the next one and a gap apart."""

    @property
    def key(self) -> str:
        return self.id

    @property
    def position(self) -> int:
        return self.version
