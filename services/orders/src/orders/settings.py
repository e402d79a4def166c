"""Settings of orders."""

from datetime import timedelta

from pydantic import Field

from ticketing_common.settings import SessionSettings


class OrdersSettings(SessionSettings):
    """The settings of orders."""

    expiration_window_seconds: int = Field(default=60, ge=1)
    """The time in seconds that a buyer has to pay for an order."""

    @property
    def expiration_window(self) -> timedelta:
        return timedelta(seconds=self.expiration_window_seconds)
