"""Settings of auth."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationInfo

from ticketing_common.limits.quota import QuotaText
from ticketing_common.sessions.keys import SigningKey, parse_public_keys
from ticketing_common.settings import SessionSettings


def _require_key_pair(jwk: SecretStr, info: ValidationInfo) -> SecretStr:
    try:
        key = SigningKey.parse(jwk.get_secret_value())
    except ValueError:  # without its text, which could have a part of the key
        raise ValueError("should be a JSON Web Key of Ed25519") from None
    public_keys = info.data.get("jwt_public_keys")
    if public_keys is not None and key.kid not in parse_public_keys(public_keys):
        raise ValueError("should have its public key in JWT_PUBLIC_KEYS")
    return jwk


class AuthSettings(SessionSettings):
    """The settings of auth."""

    jwt_private_key: Annotated[SecretStr, AfterValidator(_require_key_pair)]
    """The key that signs sessions, a JSON Web Key of Ed25519. No other service has it."""
    limit_sign_ins_by_address: QuotaText = "30 per minute; 300 per hour"
    """Sign-ins, right or wrong."""
    limit_sign_ups_by_address: QuotaText = "10 per 10 minutes; 50 per day"
    """Sign-ups."""
    limit_reset_mails_by_address: QuotaText = "10 per 15 minutes; 50 per day"
    """Requests for a reset mail."""
    limit_tokens_by_address: QuotaText = "30 per 15 minutes"
    """Requests with a token of a mail."""
    limit_wrong_passwords_by_email: QuotaText = "10 per 5 minutes; 30 per hour; 100 per day"
    """Wrong passwords for one e-mail address; those of each known device are counted apart."""
    limit_reset_mails_by_email: QuotaText = "5 per 15 minutes; 10 per day"
    """Requests for a reset mail to one e-mail address."""
