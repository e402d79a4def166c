"""What auth keeps."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Self

from beanie import Document, PydanticObjectId
from pymongo import IndexModel

from ticketing_common.errors import BadRequest, NotAuthorized, NotFound
from ticketing_common.events import UserForgotPassword, UtcTime, utc_now
from ticketing_common.persistence.documents import VersionedDocument


class EmailInUse(BadRequest):
    """Another account has this e-mail address, compared without case."""

    code = "email_in_use"
    message = "Email is in use"


class InvalidCredentials(BadRequest):
    """The password is wrong, or no account has this e-mail address."""

    code = "invalid_credentials"
    message = "Invalid credentials"


class PasswordsDoNotMatch(BadRequest):
    """The new password and its repetition differ."""

    code = "passwords_do_not_match"
    message = "Passwords must match"


class TokenExpired(NotAuthorized):
    """The token of the reset mail is older than 15 minutes."""

    code = "token_expired"
    message = "Token has expired"


class User(VersionedDocument):
    """Somebody with an account."""

    class Settings:
        name: ClassVar[str] = "users"
        indexes: ClassVar[list[IndexModel]] = [IndexModel("email", unique=True)]

    email: str
    """In lower case: the same address is the same user."""
    password_hash: str
    created_at: UtcTime
    signed_in_at: UtcTime
    """When the last of its sessions began, or the last of them were ended."""

    @classmethod
    async def known_as(cls, email: str) -> Self | None:
        return await cls.find_one({"email": email})

    @property
    def user_id(self) -> str:
        return str(self.id)

    def next_moment(self) -> datetime:
        """The present, but later than what any replica's clock showed at its last change.

        So a session is older than the change of password that comes after it, and younger than the
        one before.
        """
        self.signed_in_at = max(utc_now(), self.signed_in_at + timedelta(milliseconds=1))
        return self.signed_in_at


class PasswordResetToken(Document):
    """A token that lets its bearer choose a new password. Only its digest is kept."""

    class Settings:
        name: ClassVar[str] = "reset_grants"
        # A day after its end nobody needs to be told that it has expired.
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel("expires_at", expireAfterSeconds=int(timedelta(days=1).total_seconds()))
        ]

    id: str  # type: ignore[assignment]
    user_id: PydanticObjectId
    expires_at: UtcTime

    @classmethod
    def issue(cls, user: User) -> tuple[Self, str]:
        """A grant for the user, and the token that stands for it."""
        token = secrets.token_urlsafe(32)
        expires_at: datetime = utc_now() + UserForgotPassword.max_age
        return cls(id=_digest(token), user_id=user.id, expires_at=expires_at), token

    @classmethod
    async def of_token(cls, token: str) -> Self:
        """The grant. Raises NotFound for an unknown or used token, NotAuthorized for an old one."""
        grant = await cls.get(_digest(token))
        if grant is None:
            raise NotFound
        if grant.expires_at <= utc_now():
            raise TokenExpired
        return grant


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
