"""The session of a request: a signed token in a cookie."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyCookie
from starlette.requests import HTTPConnection

from ticketing_common.errors import NotAuthorized
from ticketing_common.sessions.cutoffs import EndedSessions
from ticketing_common.sessions.tokens import Session, SessionUser, TokenVerifier

__all__ = ["CurrentUser", "OptionalUser", "SessionUser", "Sessions", "current_user"]

SECURE_COOKIE, COOKIE = "__Host-session", "session"
"""Browsers take the first one only over HTTPS, and from no other host of the domain."""
MAX_COOKIES = 10
"""Cookies of the session's name that are verified in one request."""


class Sessions:
    """Finds the session of a request."""

    def __init__(self, verifier: TokenVerifier, ended: EndedSessions, *, secure: bool) -> None:
        self.cookie = SECURE_COOKIE if secure else COOKIE
        self._verifier = verifier
        self._ended = ended

    async def of(self, request: HTTPConnection) -> Session | None:
        """Return the session of a request, None without exactly one user who is signed in.

        Raises: Unavailable if it is not known yet which sessions have ended.
        """
        sessions = await self.all_of(request)
        if len({session.user.id for session in sessions}) != 1:
            return None
        return max(sessions, key=lambda session: session.issued_at)

    async def all_of(self, request: HTTPConnection) -> list[Session]:
        """Return the valid sessions of a request: a browser can send cookies of equal names."""
        verified = map(self._verifier.verify, self._tokens(request)[:MAX_COOKIES])
        return [
            session
            for session in verified
            if session is not None and not await self._ended.has_ended(session)
        ]

    def _tokens(self, request: HTTPConnection) -> list[str]:
        # Starlette's cookies have only the last one of each name.
        return [
            value
            for header in request.headers.getlist("cookie")
            for name, _, value in (pair.strip().partition("=") for pair in header.split(";"))
            if name == self.cookie
        ]


_cookie = APIKeyCookie(
    name=SECURE_COOKIE,
    auto_error=False,
    description=f"`{COOKIE}` instead where COOKIE_SECURE is false.",
)
SessionCookie = Annotated[str | None, Security(_cookie)]
"""The cookie in the OpenAPI document of a route. It is not verified, and can be one of several."""


async def optional_session(request: HTTPConnection, _: SessionCookie) -> Session | None:
    """Return the session of the request, None without a valid one."""
    sessions: Sessions = request.app.state.sessions
    return await sessions.of(request)


OptionalSession = Annotated[Session | None, Depends(optional_session)]


async def current_session(session: OptionalSession) -> Session:
    """Return the session of the request. Raises: NotAuthorized."""
    if session is None:
        raise NotAuthorized
    return session


CurrentSession = Annotated[Session, Depends(current_session)]


async def optional_user(session: OptionalSession) -> SessionUser | None:
    """Return the signed-in user, None without a valid session."""
    return None if session is None else session.user


async def current_user(session: CurrentSession) -> SessionUser:
    """Return the signed-in user. Raises: NotAuthorized."""
    return session.user


OptionalUser = Annotated[SessionUser | None, Depends(optional_user)]
CurrentUser = Annotated[SessionUser, Depends(current_user)]
