"""Settings of orders."""

from datetime import timedelta

from pydantic import Field

from ticketing_common.limits.quota import QuotaText
from ticketing_common.settings import SessionSettings


class OrdersSettings(SessionSettings):
    """The settings of orders."""

    expiration_window_seconds: int = Field(default=60, ge=1, le=604_800)
    """The time in seconds that a buyer has to pay for an order."""

    limit_live_orders_by_account: int = Field(default=10, ge=1)
    """Unpaid orders at a time."""
    limit_expired_orders_by_account: QuotaText = "5 per 10 minutes; 20 per day"
    """Orders that expired unpaid; with more, ordering pauses."""

    @property
    def expiration_window(self) -> timedelta:
        return timedelta(seconds=self.expiration_window_seconds)
