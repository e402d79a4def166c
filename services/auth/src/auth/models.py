"""Documents of auth."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Self

from beanie import Document, PydanticObjectId
from pydantic import Field
from pymongo import IndexModel

from ticketing_common.errors import BadRequest, NotAuthorized, NotFound
from ticketing_common.events import UserForgotPassword, UtcTime, utc_now
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.sessions.tokens import SessionUser

EXPIRED_TOKEN_RETENTION = timedelta(days=1)
"""How long an expired token gets a "Token has expired" instead of a 404."""

MAX_DEVICES = 10
"""Known devices of a user. The one that was used longest ago is forgotten first."""


class EmailInUse(BadRequest):
    """Another account has this e-mail address, compared without case."""

    code = "email_in_use"
    message = "This email address already has an account"


class InvalidCredentials(BadRequest):
    """The password is wrong, or no account has this e-mail address."""

    code = "invalid_credentials"
    message = "Invalid credentials"


class PasswordFromEmail(BadRequest):
    """The new password is made of parts of the account's e-mail address."""

    code = "password_from_email"
    message = "Choose a password that is not made of your e-mail address"


class PasswordsDoNotMatch(BadRequest):
    """The new password and its repetition differ."""

    code = "passwords_do_not_match"
    message = "Passwords must match"


class TokenExpired(NotAuthorized):
    """The token of the reset mail is older than 15 minutes. Request a new mail."""

    code = "token_expired"
    message = "Token has expired"


class User(VersionedDocument):
    """An account."""

    class Settings:
        name: ClassVar[str] = "users"
        indexes: ClassVar[list[IndexModel]] = [IndexModel("email", unique=True)]

    email: str
    """In lower case: addresses that differ in case only belong to one user."""
    password_hash: str
    created_at: UtcTime
    sessions_changed_at: UtcTime
    """The time of the last sign-in or password change."""
    known_devices: list[str] = Field(default_factory=list)
    """Digests of the ids of browsers in which the user has signed in, the latest at the end."""

    @classmethod
    async def find_by_email(cls, email: str) -> Self | None:
        """Load the user with this address in lower case, None if there is none."""
        return await cls.find_one({"email": email})

    @property
    def user_id(self) -> str:
        return str(self.id)

    @property
    def session_user(self) -> SessionUser:
        """The user as a session shows it."""
        return SessionUser(id=self.user_id, email=self.email)

    def knows_device(self, device: str) -> bool:
        """Return whether the user has signed in with this browser."""
        return digest(device) in self.known_devices

    def add_device(self, device: str) -> None:
        """Make a browser known. The caller saves."""
        others = [each for each in self.known_devices if each != digest(device)]
        self.known_devices = [*others, digest(device)][-MAX_DEVICES:]

    def advance_session_time(self) -> datetime:
        """Set the time of a new sign-in or password change, and return it. The caller saves.

        It is later than the previous one even if that was taken from a faster clock of another
        replica. So a password change ends exactly the sessions from before it.
        """
        self.sessions_changed_at = max(
            utc_now(), self.sessions_changed_at + timedelta(milliseconds=1)
        )
        return self.sessions_changed_at


class PasswordResetToken(Document):
    """A token that allows its bearer to set a new password. Its id is a digest of the token."""

    class Settings:
        name: ClassVar[str] = "password_reset_tokens"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                "expires_at", expireAfterSeconds=int(EXPIRED_TOKEN_RETENTION.total_seconds())
            )
        ]

    id: str  # type: ignore[assignment]
    user_id: PydanticObjectId
    expires_at: UtcTime

    @classmethod
    def issue(cls, user: User) -> tuple[Self, str]:
        """Return a document for the user, not inserted yet, and its token."""
        token = secrets.token_urlsafe(32)
        expires_at: datetime = utc_now() + UserForgotPassword.max_age
        return cls(id=digest(token), user_id=user.id, expires_at=expires_at), token

    @classmethod
    async def find_valid(cls, token: str) -> Self:
        """Load the document of a token.

        Raises: NotFound if the token is unknown or used, TokenExpired.
        """
        document = await cls.get(digest(token))
        if document is None:
            raise NotFound
        if document.expires_at <= utc_now():
            raise TokenExpired
        return document


def digest(token: str) -> str:
    """Return the digest under which a secret is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
