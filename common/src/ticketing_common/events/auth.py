"""What auth says."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer
from pydantic.alias_generators import to_camel

from ticketing_common.events.base import VersionedEvent
from ticketing_common.events.values import UtcTime


class UserSignedUp(VersionedEvent):
    subject: ClassVar[str] = "user.signed-up"

    email: str


class UserSignedIn(VersionedEvent):
    subject: ClassVar[str] = "user.signed-in"


class ResetToken(BaseModel):
    """What lets its bearer choose a new password, once and for a short time."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    value: SecretStr
    type: Literal["reset-password"] = "reset-password"
    expires_at: UtcTime

    @field_serializer("value", when_used="json")
    def _reveal_on_the_wire(self, value: SecretStr) -> str:
        return value.get_secret_value()


class UserForgotPassword(VersionedEvent):
    """The one event that carries a secret: nothing keeps it longer than the token lives."""

    subject: ClassVar[str] = "user.forgot-password"
    max_age: ClassVar[timedelta] = timedelta(minutes=15)

    token: ResetToken


class UserChangedPassword(VersionedEvent):
    subject: ClassVar[str] = "user.changed-password"

    changed_at: UtcTime
    """Sessions that began before it are over."""
