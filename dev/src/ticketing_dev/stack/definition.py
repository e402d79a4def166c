"""The parts that make the whole market, and what each of them is told of the others."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack import processes
from ticketing_dev.stack.keys import Keys, StripeAccount
from ticketing_dev.stack.processes import Part

STRIPE_PAGES, MAIL_PAGES = "/dev/stripe/", "/dev/mail/"
SENDER = "tickets@ticketing.dev"
SERVICES = ("auth", "tickets", "orders", "payments", "expiration", "contact")

ClientCommand = Callable[[int], tuple[str, ...]]


def market(
    port: int,
    data: Path,
    port_of: Callable[[str], int],
    keys: Keys,
    common: Mapping[str, str],
    window: int | None = None,
    client: ClientCommand | None = None,
    dev: bool = False,
    account: StripeAccount | None = None,
    replicas: int = 1,
    paying: Mapping[str, str] | None = None,
    currency: str = "usd",
) -> list[Part]:
    """All parts of a stack at http://localhost:`port`.

    `port_of` chooses the port of every other part by its name, `common` are variables for all
    services, `window` is how many seconds an order waits for its payment. `client` tells how the
    pages are served at a port; without it there are none. `dev` has the services reload.
    `account` is whose Stripe is used; without it, the stand-in. `replicas` is of each service:
    the second of orders is the part `orders-2`, behind the same routes. `paying` are variables for
    payments, and `currency` is what all who tell of money are told.
    """
    users = ("operator", *SERVICES)
    nats = processes.nats(
        port_of("nats"), data / "nats", passwords={user: keys.nats_password(user) for user in users}
    )
    mongo = processes.mongo(port_of("mongo"), data / "mongo")
    redis = processes.redis(port_of("redis"), data / "redis")
    stripe = processes.stripe(
        port_of("stripe"),
        data / "stripe",
        STRIPE_PAGES.rstrip("/"),
        # Through the ingress: Stripe's webhooks come from outside.
        webhook_url=f"http://localhost:{port}/api/payments/webhook",
        webhook_secret=keys.stripe_webhook,
    )
    sendgrid = processes.sendgrid(port_of("sendgrid"), data / "sendgrid", MAIL_PAGES.rstrip("/"))

    def service(name: str, *stores: Part, **settings: str) -> list[Part]:
        env = {**common, "NATS_URL": nats.url_of(name), **settings}
        needs = (nats.name, *(store.name for store in stores))
        code = (ROOT / "services" / name / "src", ROOT / "common" / "src") if dev else ()
        called = [name, *(f"{name}-{number}" for number in range(2, replicas + 1))]
        return [
            replace(processes.service(name, port_of(one), data / one, env, needs, code), name=one)
            for one in called
        ]

    def stored(name: str, *others: Part, **settings: str) -> list[Part]:
        return service(name, mongo, *others, MONGO_URI=mongo.uri(name), **settings)

    if account is not None:
        stripe_settings = {
            "STRIPE_KEY": account.key,
            "STRIPE_WEBHOOK_SECRET": account.webhook_secret,
        }
    else:
        stripe_settings = {
            "STRIPE_KEY": keys.stripe,
            "STRIPE_WEBHOOK_SECRET": keys.stripe_webhook,
            "STRIPE_API_BASE": stripe.url,
        }
    mail_settings = {
        "SENDGRID_KEY": keys.sendgrid,
        "SENDGRID_EMAIL": SENDER,
        "SENDGRID_API_BASE": sendgrid.url,
        "PUBLIC_URL": f"http://localhost:{port}",
        "CURRENCY": currency,
    }
    waits = {} if window is None else {"EXPIRATION_WINDOW_SECONDS": str(window)}
    sets = {
        "auth": stored("auth", JWT_KEY=keys.jwt, COOKIE_SECURE="false"),
        "tickets": stored("tickets", JWT_KEY=keys.jwt),
        "orders": stored("orders", JWT_KEY=keys.jwt, **waits),
        "payments": stored(
            "payments",
            stripe,
            JWT_KEY=keys.jwt,
            CURRENCY=currency,
            **stripe_settings,
            **(paying or {}),
        ),
        "expiration": service("expiration", redis, REDIS_URL=redis.url),
        "contact": stored("contact", sendgrid, **mail_settings),
    }
    services = [part for replica_set in sets.values() for part in replica_set]
    pages = []
    if client is not None:
        port_of_client = port_of("client")
        command = client(port_of_client)
        url = f"http://localhost:{port}"
        publishable_key = account.publishable_key if account is not None else ""
        pages = [
            processes.client(
                port_of_client, data / "client", command, url, currency, publishable_key
            )
        ]
    ingress = processes.ingress(
        port,
        data / "ingress",
        INGRESS,
        addresses={
            **{f"{name}-srv": [one.address for one in every] for name, every in sets.items()},
            **{f"{part.name}-srv": [part.address] for part in pages},
            **{part.name: [part.address] for part in (stripe, sendgrid)},
        },
        extras={STRIPE_PAGES: stripe.name, MAIL_PAGES: sendgrid.name},
        needs=tuple(part.name for part in (*services, *pages, stripe, sendgrid)),
    )
    return [nats, mongo, redis, stripe, sendgrid, *services, *pages, ingress]
