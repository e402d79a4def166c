"""What orders reads from its environment."""

from datetime import timedelta

from pydantic import Field

from ticketing_common.settings import SessionSettings


class OrdersSettings(SessionSettings):
    expiration_window_seconds: int = Field(default=60, ge=1)

    @property
    def window(self) -> timedelta:
        """How long an unpaid order holds its ticket."""
        return timedelta(seconds=self.expiration_window_seconds)
