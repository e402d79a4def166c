"""What auth reads from its environment."""

from ticketing_common.settings import SessionSettings


class AuthSettings(SessionSettings):
    cookie_secure: bool = True
