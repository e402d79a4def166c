"""The settings of payments."""

from datetime import timedelta

from pydantic import Field, SecretStr

from ticketing_common.limits.quota import QuotaText
from ticketing_common.settings import Currency, HttpUrl, SessionSettings


class PaymentsSettings(SessionSettings):
    """The settings of payments: Stripe, the currency and the grace."""

    stripe_key: SecretStr
    """The secret API key of Stripe."""
    stripe_webhook_secret: SecretStr
    """The signing secret of the webhook endpoint."""
    stripe_api_base: HttpUrl | None = None
    """The address of a stand-in for Stripe, unset for Stripe itself."""
    currency: Currency = "usd"
    """The currency of all prices, as an ISO 4217 code."""
    payment_grace_seconds: int = Field(default=120, ge=0, le=604_800)
    """The time in seconds that a payment has after the end of its order."""
    limit_attempts_by_order: int = Field(default=5, ge=1)
    """Attempts to pay one order."""
    limit_declines_by_account: QuotaText = "10 per hour; 20 per day"
    """Declined cards and invalid tokens."""

    @property
    def grace(self) -> timedelta:
        """The time after an order's end in which a payment that has begun can still succeed."""
        return timedelta(seconds=self.payment_grace_seconds)
