"""Who calls: one signed cookie, and when the sessions of a user were ended."""

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


class SessionUser(BaseModel):
    """The user whose session a request carries."""

    id: Id
    email: str


class SessionCutoff(Document):
    """A user's sessions that began before this are over. Its id is the user's."""

    class Settings:
        name: ClassVar[str] = "session_cutoffs"

    id: PydanticObjectId
    changed_at: UtcTime


async def end_sessions(user_id: str, changed_at: datetime) -> None:
    """Refuse every session that the user began before `changed_at`."""
    await SessionCutoff.get_pymongo_collection().update_one(
        {"_id": PydanticObjectId(user_id)}, {"$max": {"changed_at": changed_at}}, upsert=True
    )


async def end_earlier_sessions(event: UserChangedPassword) -> None:
    """Refuse the sessions from before the password was changed: for every service's listeners."""
    await end_sessions(event.id, event.changed_at)


class Sessions:
    """Signs sessions with the first of its keys (32 bytes or more each), verifies with all."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def issue(self, user: SessionUser, began: datetime | None = None) -> str:
        """The cookie's value for a session that begins now, or began when the caller noted it."""
        began = began or datetime.now(UTC)
        claims = {
            "sub": user.id,
            "email": user.email,
            # With its fraction, so that a session from right after a change of password holds.
            "iat": began.timestamp(),
            "exp": int((began + SESSION_AGE).timestamp()),
        }
        return jwt.encode(claims, self._keys[0], ALGORITHM)

    def verify(self, token: str) -> tuple[SessionUser, datetime] | None:
        """Whose session it is and when it began; None for whatever does not verify."""
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    [ALGORITHM],
                    options={"require": ["sub", "email", "iat", "exp"]},
                    leeway=5,
                )
                user = SessionUser(id=claims["sub"], email=claims["email"])
                return user, datetime.fromtimestamp(claims["iat"], UTC)
            except (jwt.InvalidTokenError, ValidationError, ValueError, OverflowError):
                continue
        return None

    async def read(self, token: str | None) -> SessionUser | None:
        """Whose session it is, None for one that does not verify or was ended."""
        if not token or (verified := self.verify(token)) is None:
            return None
        user, began = verified
        cutoff = await SessionCutoff.get(PydanticObjectId(user.id))
        return None if cutoff is not None and began < cutoff.changed_at else user


_cookie = APIKeyCookie(name=COOKIE, auto_error=False)


async def visitor(
    request: Request, token: Annotated[str | None, Security(_cookie)]
) -> SessionUser | None:
    """The caller, None for one who is not signed in."""
    sessions: Sessions = request.app.state.sessions
    return await sessions.read(token)


async def current_user(user: Annotated[SessionUser | None, Depends(visitor)]) -> SessionUser:
    """The caller. Raises NotAuthorized for one who is not signed in."""
    if user is None:
        raise NotAuthorized
    return user


OptionalUser = Annotated[SessionUser | None, Depends(visitor)]
CurrentUser = Annotated[SessionUser, Depends(current_user)]
