"""The definition of the local stack: all its processes and their settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.processes import ingress, servers, services
from ticketing_dev.stack.processes.ports import HOST
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, PROVISIONER
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.secrets import Secrets, StripeAccount

STRIPE_PAGES, MAIL_PAGES = "/dev/stripe/", "/dev/mail/"
SENDER = "tickets@ticketing.dev"

RELAXED_FACTOR = 100
"""The factor of limits by address where everybody comes from one address."""

ClientCommand = Callable[[int], tuple[str, ...]]


class Limits(StrEnum):
    """The width of the limits by address."""

    RELAXED = "relaxed"
    STRICT = "strict"
    """As in a cluster."""


def define_stack(
    port: int,
    data: Path,
    port_of: Callable[[str], int],
    secrets: Secrets,
    shared_env: Mapping[str, str],
    *,
    expiration_window: int | None = None,
    client_command: ClientCommand | None = None,
    reload: bool = False,
    stripe_account: StripeAccount | None = None,
    replicas: int = 1,
    payments_env: Mapping[str, str] | None = None,
    client_env: Mapping[str, str] | None = None,
    currency: str = "usd",
    limits: Limits = Limits.RELAXED,
) -> list[ProcessSpec]:
    """Define all processes of a stack at http://localhost:`port`.

    Args:
        port: the port of the ingress.
        data: the data folder.
        port_of: allocates the port of every other process by its name.
        secrets: the secrets of this stack.
        shared_env: variables for every service.
        expiration_window: seconds until an unpaid order expires; None for the default of orders.
        client_command: the command that serves the client at a port; None for no client.
        reload: restart services when their sources change.
        stripe_account: a Stripe account to use instead of the stand-in.
        replicas: processes per service; the second one of orders is named `orders-2`.
        payments_env: more variables for payments.
        client_env: more variables for the client.
        currency: the currency of prices.
        limits: how wide the limits by address are.
    """
    public_url = f"http://localhost:{port}"
    users = (OPERATOR, PROVISIONER, AUDIT, *SERVICE_NAMES)
    nats = servers.provisioned(
        servers.nats(
            port_of("nats"),
            data / "nats",
            passwords={user: secrets.nats_password(user) for user in users},
        )
    )
    mongo = servers.mongo(port_of("mongo"), data / "mongo")
    redis = servers.redis(port_of("redis"), data / "redis")
    limits_redis = servers.redis(
        port_of("limits-redis"), data / "limits-redis", "limits-redis", durable=False
    )
    stripe = stripe_stand_in(
        port_of("stripe"),
        data / "stripe",
        STRIPE_PAGES.rstrip("/"),
        # Through the ingress, as Stripe's own webhooks come from outside.
        webhook_url=f"{public_url}/api/payments/webhook",
        webhook_secret=secrets.stripe_webhook,
    )
    sendgrid = sendgrid_stand_in(port_of("sendgrid"), data / "sendgrid", MAIL_PAGES.rstrip("/"))

    def replicas_of(name: str, *dependencies: ProcessSpec, **settings: str) -> list[ProcessSpec]:
        env = {**shared_env, "NATS_URL": nats.url_of(name), **settings}
        depends_on = (nats.name, *(process.name for process in dependencies))
        sources = (ROOT / "services" / name / "src", ROOT / "common" / "src") if reload else ()
        names = [name, *(f"{name}-{number}" for number in range(2, replicas + 1))]
        return [
            replace(
                services.service(name, port_of(each), data / each, env, depends_on, sources),
                name=each,
            )
            for each in names
        ]

    def replicas_with_database(
        name: str, *dependencies: ProcessSpec, **settings: str
    ) -> list[ProcessSpec]:
        return replicas_of(name, mongo, *dependencies, MONGO_URI=mongo.uri(name), **settings)

    def replicas_with_routes(
        name: str, *dependencies: ProcessSpec, **settings: str
    ) -> list[ProcessSpec]:
        return replicas_with_database(
            name,
            limits_redis,
            *dependencies,
            JWT_PUBLIC_KEYS=secrets.session_public_keys,
            COOKIE_SECURE="false",
            LIMITS_REDIS_URL=limits_redis.url,
            TRUSTED_PROXIES=HOST,
            LIMITS_BY_ADDRESS_FACTOR=str(RELAXED_FACTOR if limits == Limits.RELAXED else 1),
            **settings,
        )

    if stripe_account is not None:
        stripe_settings = {
            "STRIPE_KEY": stripe_account.key,
            "STRIPE_WEBHOOK_SECRET": stripe_account.webhook_secret,
        }
    else:
        stripe_settings = {
            "STRIPE_KEY": secrets.stripe,
            "STRIPE_WEBHOOK_SECRET": secrets.stripe_webhook,
            "STRIPE_API_BASE": stripe.url,
        }
    mail_settings = {
        "SENDGRID_KEY": secrets.sendgrid,
        "SENDGRID_EMAIL": SENDER,
        "SENDGRID_API_BASE": sendgrid.url,
        "PUBLIC_URL": public_url,
        "CURRENCY": currency,
    }
    expiration_settings = {}
    if expiration_window is not None:
        expiration_settings["EXPIRATION_WINDOW_SECONDS"] = str(expiration_window)
    by_service = {
        "auth": replicas_with_routes("auth", JWT_PRIVATE_KEY=secrets.session_key),
        "tickets": replicas_with_routes("tickets", CURRENCY=currency),
        "orders": replicas_with_routes("orders", **expiration_settings),
        "payments": replicas_with_routes(
            "payments", stripe, CURRENCY=currency, **stripe_settings, **(payments_env or {})
        ),
        "expiration": replicas_of("expiration", redis, REDIS_URL=redis.url),
        "contact": replicas_with_database("contact", sendgrid, **mail_settings),
    }
    service_specs = [spec for specs in by_service.values() for spec in specs]
    client_specs = []
    if client_command is not None:
        client_port = port_of("client")
        client_specs = [
            services.client(
                client_port,
                data / "client",
                client_command(client_port),
                public_url,
                currency,
                stripe_account.publishable_key if stripe_account is not None else "",
                client_env,
            )
        ]
    behind_ingress = (*service_specs, *client_specs, stripe, sendgrid)
    nginx = ingress.ingress(
        port,
        data / "ingress",
        INGRESS,
        addresses={
            **{
                f"{name}-srv": [spec.address for spec in specs]
                for name, specs in by_service.items()
            },
            **{f"{spec.name}-srv": [spec.address] for spec in client_specs},
            **{spec.name: [spec.address] for spec in (stripe, sendgrid)},
        },
        extra_routes={STRIPE_PAGES: stripe.name, MAIL_PAGES: sendgrid.name},
        depends_on=tuple(spec.name for spec in behind_ingress),
    )
    return [
        nats,
        mongo,
        redis,
        limits_redis,
        stripe,
        sendgrid,
        *service_specs,
        *client_specs,
        nginx,
    ]
