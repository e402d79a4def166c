"""Known devices: browsers in which a user has signed in or set a password.

Wrong passwords from a known device are counted apart, so a stranger's guesses do not lock it out.
"""

import re
import secrets

from fastapi import Request, Response

from auth.models import User, digest
from auth.settings import AuthSettings

MAX_AGE_SECONDS = 400 * 24 * 3600
"""The longest time that browsers keep a cookie."""
_VALID_ID = re.compile(r"[A-Za-z0-9_-]{32}")


def email_key(email: str) -> str:
    """Return the key of an e-mail address in limits: stores of limits get no personal data."""
    return digest(email)


def guesses_key(email: str, user: User | None, request: Request) -> str:
    """Return the key by which wrong passwords are counted: of a known device, or of the e-mail."""
    device = _sent_device(request)
    if user is not None and device is not None and user.knows_device(device):
        return digest(f"{email} {device}")
    return email_key(email)


def read_device(request: Request) -> str:
    """Return the id of the browser, a new one if it has none. Its accounts share it."""
    return _sent_device(request) or secrets.token_urlsafe(24)


def set_device(device: str, request: Request, response: Response) -> None:
    """Let the browser keep its id."""
    settings: AuthSettings = request.app.state.settings
    response.set_cookie(
        _cookie_name(request),
        device,
        max_age=MAX_AGE_SECONDS,
        httponly=True,
        secure=settings.cookie_secure,
        samesite="lax",
    )


def _sent_device(request: Request) -> str | None:
    device = request.cookies.get(_cookie_name(request), "")
    return device if _VALID_ID.fullmatch(device) else None


def _cookie_name(request: Request) -> str:
    """Return a name that no other host of the domain can set, where the cookie is secure."""
    settings: AuthSettings = request.app.state.settings
    return "__Host-device" if settings.cookie_secure else "device"
