"""The settings of payments."""

from datetime import timedelta

from pydantic import Field, SecretStr

from ticketing_common.settings import Currency, HttpUrl, SessionSettings


class PaymentsSettings(SessionSettings):
    """The settings of payments: Stripe, the currency and the grace."""

    stripe_key: SecretStr
    stripe_webhook_secret: SecretStr
    stripe_api_base: HttpUrl | None = None
    """The address of a stand-in for Stripe."""
    currency: Currency = "usd"
    payment_grace_seconds: int = Field(default=120, ge=0)

    @property
    def grace(self) -> timedelta:
        """The time after an order's end in which a payment that has begun can still succeed."""
        return timedelta(seconds=self.payment_grace_seconds)
