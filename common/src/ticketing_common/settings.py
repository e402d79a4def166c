"""Settings: the environment variables of a service."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from ticketing_common.limits.quota import QuotaText
from ticketing_common.money import MINIMUM_CHARGES
from ticketing_common.sessions.keys import parse_public_keys


def _require_public_keys(jwks: str) -> str:
    try:
        parse_public_keys(jwks)
    except ValueError:
        raise ValueError("should be a JSON Web Key Set of Ed25519 keys") from None
    return jwks


def _url(*schemes: str) -> AfterValidator:
    def check(address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in schemes or not parts.netloc:
            raise ValueError(f"should begin with {' or '.join(f'{one}://' for one in schemes)}")
        return address

    return AfterValidator(check)


def _require_database(uri: str) -> str:
    if not urlsplit(uri).path.strip("/"):
        raise ValueError("should name a database: mongodb://host/database")
    return uri


def _require_supported(currency: str) -> str:
    if currency not in MINIMUM_CHARGES:
        raise ValueError(f"should be one of {', '.join(MINIMUM_CHARGES)}")
    return currency


def _require_networks(text: str) -> str:
    for each in split_list(text):
        try:
            ip_network(each)
        except ValueError:
            raise ValueError(f"should be addresses or networks: {each} is none") from None
    return text


def split_list(text: str) -> list[str]:
    """Return the items of a comma-separated setting."""
    return [item for each in text.split(",") if (item := each.strip())]


PublicKeys = Annotated[str, AfterValidator(_require_public_keys)]
HttpUrl = Annotated[str, _url("http", "https")]
MongoUri = Annotated[str, _url("mongodb", "mongodb+srv"), AfterValidator(_require_database)]
NatsUrl = Annotated[str, _url("nats", "tls")]
RedisUrl = Annotated[str, _url("redis", "rediss")]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(lambda level: level.upper() if isinstance(level, str) else level),
]
Currency = Annotated[
    str,
    StringConstraints(to_lower=True),
    AfterValidator(_require_supported),
]


class Settings(BaseSettings):
    """The settings of every service. A field's name in capitals is its environment variable."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    nats_url: NatsUrl
    """The URL of NATS, with the user and password of the service."""
    log_level: LogLevel = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """The OTLP endpoint for traces; unset for no export."""

    @classmethod
    def read(cls, service: str) -> Self:
        """Read the settings. Exits the process with a message that names each invalid variable."""
        try:
            return cls()
        except ValidationError as error:
            problems = "; ".join(_problem(rule) for rule in error.errors(include_input=False))
            raise SystemExit(f"{service} cannot start: {problems}") from None


def _problem(rule: Any) -> str:
    variable = "_".join(str(part) for part in rule["loc"]).upper()
    if rule["type"] == "missing":
        return f"{variable} is missing"
    return f"{variable} {str(rule['msg']).removeprefix('Value error, ')}"


class StoreSettings(Settings):
    """The settings of a service with a MongoDB database."""

    mongo_uri: MongoUri
    """The connection string of the service's database, a replica set."""


class LimitSettings(StoreSettings):
    """The settings of a service with routes: its limits and its trusted proxies.

    A field that ends in `_by_address` is multiplied by `limits_by_address_factor`.
    """

    limits_redis_url: RedisUrl | None = None
    """The Redis in which all replicas count; each process counts for itself without it."""
    trusted_proxies: Annotated[str, AfterValidator(_require_networks)] = ""
    """The networks of the proxies whose X-Forwarded-For counts, separated by commas."""
    limits_by_address_factor: int = Field(default=1, ge=1)
    """How many times wider all limits by address are, for many users behind one address."""
    limit_writes_by_address: QuotaText = "300 per minute"
    """State-changing requests to all routes without a limit of their own by address."""
    limit_idempotency_keys_by_account: QuotaText = "60 per minute; 1000 per day"
    """Requests with an idempotency key: each new key is stored for a day."""
    limit_streams_by_address: int = Field(default=100, ge=1)
    """Event streams that one process keeps open."""
    limit_streams_by_account: int = Field(default=20, ge=1)
    """Event streams that one process keeps open."""


class SessionSettings(LimitSettings):
    """The settings of a service that verifies sessions."""

    jwt_public_keys: PublicKeys
    """The public keys that verify sessions, a JSON Web Key Set."""
    cookie_secure: bool = True
    """Whether the session is a cookie for HTTPS only; the same for all services."""
