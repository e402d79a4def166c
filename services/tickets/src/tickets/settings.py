"""Settings of tickets."""

from ticketing_common.limits.quota import QuotaText
from ticketing_common.settings import Currency, SessionSettings


class TicketsSettings(SessionSettings):
    """The settings of tickets."""

    currency: Currency = "usd"
    """The currency of all prices, as an ISO 4217 code."""
    limit_listings_by_account: QuotaText = "60 per minute; 1000 per day"
    """New tickets."""
