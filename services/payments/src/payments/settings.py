"""What payments reads from its environment."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from ticketing_common.settings import HttpUrl, SessionSettings

WITHOUT_CENTS = {
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd"),
    *("vuv", "xaf", "xof", "xpf"),
    *("bhd", "jod", "kwd", "omr", "tnd"),  # a thousandth, not a hundredth
    *("huf", "isk", "twd"),  # a hundredth that cannot always be charged
}
"""Where a price with two decimals is no amount: docs.stripe.com/currencies#minor-units."""


def _has_cents(currency: str) -> str:
    if currency in WITHOUT_CENTS:
        raise ValueError("should be a currency of a hundred minor units, as prices have cents")
    return currency


Currency = Annotated[
    str, StringConstraints(to_lower=True, pattern="^[A-Za-z]{3}$"), AfterValidator(_has_cents)
]


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
