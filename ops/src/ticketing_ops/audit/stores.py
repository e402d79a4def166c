"""Connections to the stores that an audit reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_ops.audit.errors import StoreUnavailable
from ticketing_ops.audit.stripe import StripeCharges
from ticketing_ops.connections import AUDIT_USER, Connections, inbox_prefix, nats_user

CONNECT_SECONDS = 5.0
READ_SECONDS = 60
"""The time limit of one batch of a scan."""

ERRORS = (PyMongoError, RedisError, NatsError, OSError)


@dataclass(frozen=True)
class Stores:
    """Open connections. The checks of the audit only read."""

    databases: Mapping[str, AsyncDatabase[dict[str, Any]]]
    """By service."""
    js: JetStreamContext
    redis: Redis
    stripe: StripeCharges
    reads_secrets: bool
    """Whether the NATS user may read the streams with secrets. That of the audit may not."""


@asynccontextmanager
async def connected(connections: Connections) -> AsyncIterator[Stores]:
    """Connect to every store. Raises StoreUnavailable for the first that is unavailable."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES_WITH_DATABASE:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                connections.mongo_uri(service),
                tz_aware=True,
                appname="ticketing-audit",
                # A write that the majority does not have yet could be rolled back.
                readConcernLevel="majority",
                serverSelectionTimeoutMS=int(CONNECT_SECONDS * 1000),
                connectTimeoutMS=int(CONNECT_SECONDS * 1000),
                # Not timeoutMS: it would limit a whole scan.
                socketTimeoutMS=READ_SECONDS * 1000,
            )
            await stack.enter_async_context(client)
            database = client.get_default_database()
            await _check(f"MongoDB of {service}", database.command("ping"))
            databases[service] = database
        nats = Client()
        stack.push_async_callback(nats.close)
        await _check(
            "NATS",
            nats.connect(
                connections.nats_url,
                name="ticketing-audit",
                inbox_prefix=inbox_prefix(connections.nats_url),
                allow_reconnect=False,
                connect_timeout=int(CONNECT_SECONDS),
                error_cb=_ignore,
            ),
        )
        js = nats.jetstream(timeout=CONNECT_SECONDS)
        await _check("JetStream", js.account_info())
        redis = await stack.enter_async_context(
            Redis.from_url(connections.redis_url, socket_timeout=CONNECT_SECONDS)
        )
        await _check("Redis of expiration", redis.ping())
        key = connections.stripe_key.get_secret_value()
        stripe = StripeCharges(key, connections.stripe_api_base)
        stack.push_async_callback(stripe.close)
        await stripe.ping()
        yield Stores(
            databases,
            js,
            redis,
            stripe,
            reads_secrets=nats_user(connections.nats_url) != AUDIT_USER,
        )


async def _check(store: str, request: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(2 * CONNECT_SECONDS):  # a client may retry for minutes
            await request
    except ERRORS as error:
        raise StoreUnavailable(store, error) from error


async def _ignore(_: Exception) -> None:
    """Ignore an error of the connection: the request that it concerns raises it too."""
