"""Settings of auth."""

from ticketing_common.settings import SessionSettings


class AuthSettings(SessionSettings):
    """The settings of auth."""

    cookie_secure: bool = True
    """Whether browsers send the session cookie over HTTPS only."""
