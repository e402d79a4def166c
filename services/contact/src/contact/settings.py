"""What contact reads from its environment."""

from pydantic import SecretStr

from ticketing_common.settings import Currency, HttpUrl, StoreSettings


class ContactSettings(StoreSettings):
    sendgrid_key: SecretStr
    sendgrid_email: str
    """Whom the mails are from."""
    sendgrid_api_base: HttpUrl | None = None
    """Where a stand-in for SendGrid is, where it is not SendGrid itself."""
    public_url: HttpUrl
    """Where links in mails lead."""
    currency: Currency = "usd"
    """What payments charges in."""
