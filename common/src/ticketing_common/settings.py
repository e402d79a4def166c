"""What a service reads from its environment."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().encode()) < 32:
        raise ValueError("must have at least 32 bytes")
    return key


SigningKey = Annotated[SecretStr, AfterValidator(_long_enough)]


class Settings(BaseSettings):
    """What every service needs. A field's name in capitals is its variable."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, extra="ignore")

    nats_url: str
    log_level: str = "INFO"
    otel_exporter_otlp_endpoint: str | None = None

    @classmethod
    def read(cls, service: str) -> Self:
        """The settings, or the end of the process with words that name each bad variable."""
        try:
            return cls()
        except ValidationError as error:
            faults = "; ".join(_fault(rule) for rule in error.errors(include_input=False))
            raise SystemExit(f"{service} cannot start: {faults}") from None


def _fault(rule: Any) -> str:
    variable = "_".join(str(part) for part in rule["loc"]).upper()
    return f"{variable} is missing" if rule["type"] == "missing" else f"{variable}: {rule['msg']}"


class StoreSettings(Settings):
    """For a service with a MongoDB of its own."""

    mongo_uri: str


class SessionSettings(StoreSettings):
    """For a service that knows who calls."""

    jwt_key: SigningKey
    jwt_key_previous: SigningKey | None = None

    def jwt_keys(self) -> list[str]:
        """The keys that sign and verify, the one that signs first."""
        keys = [self.jwt_key, self.jwt_key_previous]
        return [key.get_secret_value() for key in keys if key is not None]
