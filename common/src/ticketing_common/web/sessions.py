"""Sessions: a signed JWT in a cookie, and the cutoff that ends a user's earlier sessions."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

import jwt
from beanie import Document, PydanticObjectId
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie
from pydantic import BaseModel, ValidationError

from ticketing_common.errors import NotAuthorized
from ticketing_common.events import Id, UserChangedPassword, UtcTime

COOKIE = "session"
SESSION_AGE = timedelta(days=7)
ALGORITHM = "HS256"
CLOCK_SKEW_SECONDS = 5


class SessionUser(BaseModel):
    """The user of a session."""

    id: Id
    email: str


class SessionCutoff(Document):
    """The time before which a user's sessions are over. Its id is the user's."""

    class Settings:
        name: ClassVar[str] = "session_cutoffs"

    id: PydanticObjectId
    changed_at: UtcTime


async def end_sessions(user_id: str, changed_at: datetime) -> None:
    """Refuse all sessions of the user that began before `changed_at`."""
    await SessionCutoff.get_pymongo_collection().update_one(
        {"_id": PydanticObjectId(user_id)}, {"$max": {"changed_at": changed_at}}, upsert=True
    )


async def end_earlier_sessions(event: UserChangedPassword) -> None:
    """Refuse the sessions from before a password change. A handler of every service."""
    await end_sessions(event.id, event.changed_at)


class Sessions:
    """Issues and verifies session tokens.

    The first key signs, all keys verify. Each has at least 32 bytes.
    """

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def issue(self, user: SessionUser, began: datetime | None = None) -> str:
        """Return the token of a session that began at `began`, by default now."""
        began = began or datetime.now(UTC)
        claims = {
            "sub": user.id,
            "email": user.email,
            # With a fraction: a session that begins right after a password change is valid.
            "iat": began.timestamp(),
            "exp": int((began + SESSION_AGE).timestamp()),
        }
        return jwt.encode(claims, self._keys[0], ALGORITHM)

    def verify(self, token: str) -> tuple[SessionUser, datetime] | None:
        """Return the session's user and when it began, None for an invalid token."""
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    [ALGORITHM],
                    options={"require": ["sub", "email", "iat", "exp"]},
                    leeway=CLOCK_SKEW_SECONDS,
                )
                user = SessionUser(id=claims["sub"], email=claims["email"])
                return user, datetime.fromtimestamp(claims["iat"], UTC)
            except (jwt.InvalidTokenError, ValidationError, ValueError, OverflowError):
                continue
        return None

    async def read(self, token: str | None) -> SessionUser | None:
        """Return the session's user, None for an invalid or ended session."""
        if not token or (verified := self.verify(token)) is None:
            return None
        user, began = verified
        cutoff = await SessionCutoff.get(PydanticObjectId(user.id))
        return None if cutoff is not None and began < cutoff.changed_at else user


_cookie = APIKeyCookie(name=COOKIE, auto_error=False)


async def optional_user(
    request: Request, token: Annotated[str | None, Security(_cookie)]
) -> SessionUser | None:
    """Return the signed-in user, None without a valid session."""
    sessions: Sessions = request.app.state.sessions
    return await sessions.read(token)


async def current_user(user: Annotated[SessionUser | None, Depends(optional_user)]) -> SessionUser:
    """Return the signed-in user. Raises: NotAuthorized."""
    if user is None:
        raise NotAuthorized
    return user


OptionalUser = Annotated[SessionUser | None, Depends(optional_user)]
CurrentUser = Annotated[SessionUser, Depends(current_user)]
