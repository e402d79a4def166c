"""What payments reads from its environment."""

from pydantic import SecretStr

from ticketing_common.settings import HttpUrl, SessionSettings


class PaymentsSettings(SessionSettings):
    stripe_key: SecretStr
    stripe_api_base: HttpUrl | None = None
    """Where a stand-in for Stripe is, where it is not Stripe itself."""
