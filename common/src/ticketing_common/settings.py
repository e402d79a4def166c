"""What a service reads from its environment."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

WITHOUT_CENTS = {
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd"),
    *("vuv", "xaf", "xof", "xpf"),
    *("bhd", "jod", "kwd", "omr", "tnd"),  # a thousandth, not a hundredth
    *("huf", "isk", "twd"),  # a hundredth that cannot always be charged
}
"""Where a price with two decimals is no amount: docs.stripe.com/currencies#minor-units."""


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().encode()) < 32:
        raise ValueError("must have at least 32 bytes")
    return key


def _begins_with(*schemes: str) -> AfterValidator:
    def check(address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in schemes or not parts.netloc:
            raise ValueError(f"should begin with {' or '.join(f'{one}://' for one in schemes)}")
        return address

    return AfterValidator(check)


def _names_a_database(uri: str) -> str:
    if not urlsplit(uri).path.strip("/"):
        raise ValueError("should name a database: mongodb://host/database")
    return uri


def _has_cents(currency: str) -> str:
    if currency in WITHOUT_CENTS:
        raise ValueError("should be a currency of a hundred minor units, as prices have cents")
    return currency


SigningKey = Annotated[SecretStr, AfterValidator(_long_enough)]
HttpUrl = Annotated[str, _begins_with("http", "https")]
MongoUri = Annotated[str, _begins_with("mongodb", "mongodb+srv"), AfterValidator(_names_a_database)]
NatsUrl = Annotated[str, _begins_with("nats", "tls")]
RedisUrl = Annotated[str, _begins_with("redis", "rediss")]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(lambda level: level.upper() if isinstance(level, str) else level),
]
Currency = Annotated[
    str, StringConstraints(to_lower=True, pattern="^[A-Za-z]{3}$"), AfterValidator(_has_cents)
]


class Settings(BaseSettings):
    """What every service needs. A field's name in capitals is its variable."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, extra="ignore")

    nats_url: NatsUrl
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """How many of NATS' servers keep each stream: 3 where there are three."""
    log_level: LogLevel = "INFO"
    otel_exporter_otlp_endpoint: HttpUrl | None = None

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
    if rule["type"] == "missing":
        return f"{variable} is missing"
    return f"{variable} {str(rule['msg']).removeprefix('Value error, ')}"


class StoreSettings(Settings):
    """For a service with a MongoDB of its own."""

    mongo_uri: MongoUri


class SessionSettings(StoreSettings):
    """For a service that knows who calls."""

    jwt_key: SigningKey
    jwt_key_previous: SigningKey | None = None

    def jwt_keys(self) -> list[str]:
        """The keys that sign and verify, the one that signs first."""
        keys = [self.jwt_key, self.jwt_key_previous]
        return [key.get_secret_value() for key in keys if key is not None]
