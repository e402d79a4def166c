"""Where everything is that an audit reads."""

import os
from typing import Self

from pydantic import SecretStr

from ticketing_common.settings import HttpUrl, MongoUri, RedisUrl, Settings
from ticketing_dev.stack.environment import environment_of
from ticketing_dev.stack.folder import Folder
from ticketing_ops.events import connection as bus

SERVICES = ("auth", "tickets", "orders", "payments", "contact")
"""Those with a MongoDB of their own."""


class Addresses(Settings):
    """The stores, each by its variable: a field's name in capitals."""

    audit_auth_mongo_uri: MongoUri
    audit_tickets_mongo_uri: MongoUri
    audit_orders_mongo_uri: MongoUri
    audit_payments_mongo_uri: MongoUri
    audit_contact_mongo_uri: MongoUri
    redis_url: RedisUrl
    """expiration's."""
    stripe_key: SecretStr
    """payments', or one that may only read: then `--repair` can refund nothing."""
    stripe_api_base: HttpUrl | None = None

    def mongo_uri(self, service: str) -> str:
        """That of one of SERVICES."""
        uri: str = getattr(self, f"audit_{service}_mongo_uri")
        return uri

    @staticmethod
    def are_in_environment() -> bool:
        """Whether the environment names any of the services' databases, as a cluster's does."""
        return any(f"AUDIT_{service}_MONGO_URI".upper() in os.environ for service in SERVICES)

    @classmethod
    def of_stack(cls, folder: Folder) -> Self:
        """Those of the stack that runs on a data folder. Raises Refused where none does."""
        payments = environment_of(folder, "payments")
        uris = {
            f"audit_{service}_mongo_uri": environment_of(folder, service)["MONGO_URI"]
            for service in SERVICES
        }
        return cls.model_validate(
            {
                **uris,
                "nats_url": bus.address(None, folder.path),
                "redis_url": environment_of(folder, "expiration")["REDIS_URL"],
                "stripe_key": payments["STRIPE_KEY"],
                "stripe_api_base": payments.get("STRIPE_API_BASE"),
            }
        )
