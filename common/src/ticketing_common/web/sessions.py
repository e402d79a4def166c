"""Sessions: a signed JWT in a cookie."""

from datetime import UTC, datetime
from typing import Annotated

import jwt
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie
from pydantic import BaseModel, ValidationError

from ticketing_common.errors import NotAuthorized
from ticketing_common.events import Id
from ticketing_common.web.session_cutoffs import SESSION_AGE, SessionCutoffs

COOKIE = "session"
ALGORITHM = "HS256"
CLOCK_SKEW_SECONDS = 5


class SessionUser(BaseModel):
    """The user of a session."""

    id: Id
    email: str


class Sessions:
    """Issues and verifies session tokens.

    The first key signs, all keys verify. Each has at least 32 bytes. Cutoffs that nothing follows
    are read from the store.
    """

    def __init__(self, keys: list[str], cutoffs: SessionCutoffs | None = None) -> None:
        self._keys = keys
        self._cutoffs = cutoffs or SessionCutoffs()

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
        return None if await self._cutoffs.has_ended(user.id, began) else user


_cookie = APIKeyCookie(name=COOKIE, auto_error=False)
SessionToken = Annotated[str | None, Security(_cookie)]
"""The session cookie, not verified."""


async def optional_user(request: Request, token: SessionToken) -> SessionUser | None:
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
