"""What contact reads from its environment."""

from pydantic import SecretStr

from ticketing_common.settings import StoreSettings


class ContactSettings(StoreSettings):
    sendgrid_key: SecretStr
    sendgrid_email: str
    """Whom the mails are from."""
    sendgrid_api_base: str | None = None
    """Where a stand-in for SendGrid is, where it is not SendGrid itself."""
    public_url: str
    """Where links in mails lead."""
