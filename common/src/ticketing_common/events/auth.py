"""Domain events published by auth."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer
from pydantic.alias_generators import to_camel

from ticketing_common.events.base import VersionedEvent
from ticketing_common.events.values import Id, UtcTime


class UserEvent(VersionedEvent):
    producer: ClassVar[str] = "auth"
    aggregate: ClassVar[str] = "user"


class UserSignedUp(UserEvent):
    subject: ClassVar[str] = "user.signed-up"

    email: str


class UserSignedIn(UserEvent):
    subject: ClassVar[str] = "user.signed-in"


class ResetToken(BaseModel):
    """A token that allows its bearer to set a new password, once and for a short time."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    value: SecretStr
    type: Literal["reset-password"] = "reset-password"
    expires_at: UtcTime

    @field_serializer("value", when_used="json")
    def _serialize_secret(self, value: SecretStr) -> str:
        return value.get_secret_value()


class UserForgotPassword(UserEvent):
    """The only event that carries a secret. Nothing keeps it longer than the token is valid."""

    subject: ClassVar[str] = "user.forgot-password"
    max_age: ClassVar[timedelta] = timedelta(minutes=15)

    token: ResetToken


class UserChangedPassword(UserEvent):
    subject: ClassVar[str] = "user.changed-password"

    changed_at: UtcTime


class UserSessionEnded(UserEvent):
    """One session of the user is over, or all that began before a time.

    Every process follows it, so its stream has no event with personal data.
    """

    subject: ClassVar[str] = "user.session-ended"
    stream: ClassVar[str] = "USER-SESSIONS"

    sid: Id | None
    """The id of the session, null for all sessions of the user."""
    ended_at: UtcTime
    """Sessions that began before this time are over."""
