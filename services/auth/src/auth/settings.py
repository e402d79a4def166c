"""Settings of auth."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationInfo

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
