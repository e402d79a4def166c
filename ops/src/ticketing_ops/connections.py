"""Addresses and credentials of the stores, from the environment or from the local stack."""

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from ticketing_common.settings import HttpUrl, MongoUri, NatsUrl, RedisUrl
from ticketing_ops.errors import CommandError

LOCAL_STACK = "ticketing.local_stack"
"""The entry point group of a function that returns the variables of a running local stack.

It takes the stack's data folder, or None for the default one, and raises CommandError where no
stack runs.
"""


class _Variables(BaseModel):
    """Settings that are read from environment variables, a field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def load(cls, data: Path | None = None) -> Self:
        """Read the environment if it names a store, else the local stack.

        A data folder always means the local stack on it. The two sources are never mixed.

        Raises:
            CommandError: A variable is missing or invalid, or there is no local stack.
        """
        if data is not None:
            return cls.from_variables(_local_stack(data))
        stores = [name for name in cls._names() if name.endswith(("_URL", "_URI"))]
        if present := [name for name in stores if os.environ.get(name)]:
            try:
                return cls.from_variables(os.environ)
            except CommandError as error:
                raise CommandError(
                    f"{error} The local stack is not used, because the environment has "
                    f"{', '.join(present)}."
                ) from None
        try:
            return cls.from_variables(_local_stack(None))
        except CommandError as error:
            required = [
                name.upper() for name, field in cls.model_fields.items() if field.is_required()
            ]
            raise CommandError(f"{error} To use other stores, set {', '.join(required)}.") from None

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Self:
        """Validate variables; empty ones count as missing. Raises CommandError."""
        values = {name.lower(): variables[name] for name in cls._names() if variables.get(name)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = []
            for problem in error.errors(include_input=False):
                name = str(problem["loc"][0]).upper()
                reason = str(problem["msg"]).removeprefix("Value error, ")
                is_missing = problem["type"] == "missing"
                problems.append(f"{name} is missing" if is_missing else f"{name} {reason}")
            raise CommandError(f"{'; '.join(problems)}.") from None

    @classmethod
    def _names(cls) -> list[str]:
        return [name.upper() for name in cls.model_fields]


class BusConnection(_Variables):
    """The NATS server."""

    nats_url: NatsUrl


AUDIT_USER = "audit"
"""The NATS user of the audit."""


def nats_user(nats_url: str) -> str | None:
    """Return the user of an URL."""
    return urlsplit(nats_url).username


def inbox_prefix(nats_url: str) -> str:
    """Return the only subject prefix on which NATS sends responses to the URL's user."""
    user = nats_user(nats_url)
    return f"_INBOX.{user}" if user else "_INBOX"


class DatabaseConnections(_Variables):
    """Each service's MongoDB database."""

    auth_mongo_uri: MongoUri
    tickets_mongo_uri: MongoUri
    orders_mongo_uri: MongoUri
    payments_mongo_uri: MongoUri
    contact_mongo_uri: MongoUri

    def mongo_uri(self, service: str) -> str:
        """Return the URI of one of SERVICES_WITH_DATABASE."""
        uri: str = getattr(self, f"{service}_mongo_uri")
        return uri


class Connections(DatabaseConnections, BusConnection):
    """Every store of the system."""

    redis_url: RedisUrl
    """The store of expiration's timers."""
    stripe_key: SecretStr
    """A restricted key that may read charges is enough, except to refund."""
    stripe_api_base: HttpUrl | None = None


def _local_stack(data: Path | None) -> Mapping[str, str]:
    for entry_point in entry_points(group=LOCAL_STACK):
        variables: Mapping[str, str] = entry_point.load()(data)
        return variables
    raise CommandError("No store is configured, and ticketing-dev is not installed.")
