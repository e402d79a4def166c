"""What payments reads from its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr

from ticketing_common.settings import Currency, HttpUrl, SessionSettings


class PaymentsSettings(SessionSettings):
    stripe_key: SecretStr
    stripe_webhook_secret: SecretStr
    stripe_api_base: HttpUrl | None = None
    """Where a stand-in for Stripe is, where it is not Stripe itself."""
    currency: Currency = "usd"
    payment_grace_seconds: int = Field(default=120, ge=0)

    @property
    def grace(self) -> timedelta:
        """How long after its order's time a payment that has begun may still end well."""
        return timedelta(seconds=self.payment_grace_seconds)
