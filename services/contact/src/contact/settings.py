"""Settings of contact."""

from pydantic import SecretStr

from ticketing_common.settings import Currency, HttpUrl, StoreSettings


class ContactSettings(StoreSettings):
    """The settings of contact."""

    sendgrid_key: SecretStr
    """The API key of SendGrid."""
    sendgrid_email: str
    """The sender address of all mails."""
    sendgrid_api_base: HttpUrl | None = None
    """The address of a stand-in for SendGrid, unset for SendGrid itself."""
    public_url: HttpUrl
    """The address of the website, to which the links in mails lead."""
    currency: Currency = "usd"
    """The currency of all prices, as an ISO 4217 code."""
