"""The stores that an audit reads, opened together."""

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

from ticketing_ops.audit.addresses import SERVICES, Addresses
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.stripe_record import StripeRecord

SECONDS = 5.0
"""How long a store may take to answer at all."""
READ_SECONDS = 60
"""How long it may take over one batch of a scan."""

FAILURES = (PyMongoError, RedisError, NatsError, OSError)


@dataclass(frozen=True)
class Stores:
    """Open ties to everything. Nothing in the audit's checks writes by them."""

    databases: Mapping[str, AsyncDatabase[dict[str, Any]]]
    """By the service whose it is."""
    js: JetStreamContext
    redis: Redis
    stripe: StripeRecord


@asynccontextmanager
async def opened(addresses: Addresses) -> AsyncIterator[Stores]:
    """The stores, once each has answered. Raises Away for the first that does not."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                addresses.mongo_uri(service),
                tz_aware=True,
                appname="ticketing-audit",
                # What is not the majority's yet could be rolled back, and never have been.
                readConcernLevel="majority",
                serverSelectionTimeoutMS=int(SECONDS * 1000),
                connectTimeoutMS=int(SECONDS * 1000),
                # Not timeoutMS: that would bound a whole scan.
                socketTimeoutMS=READ_SECONDS * 1000,
            )
            await stack.enter_async_context(client)
            database = client.get_default_database()
            await _answers(f"MongoDB of {service}", database.command("ping"))
            databases[service] = database
        connection = Client()
        stack.push_async_callback(connection.close)
        await _answers(
            "NATS",
            connection.connect(
                addresses.nats_url,
                name="ticketing-audit",
                allow_reconnect=False,
                connect_timeout=int(SECONDS) or 1,
                error_cb=_quietly,
            ),
        )
        js = connection.jetstream(timeout=SECONDS)
        await _answers("JetStream", js.account_info())
        redis = await stack.enter_async_context(
            Redis.from_url(addresses.redis_url, socket_timeout=SECONDS)
        )
        await _answers("Redis of expiration", redis.ping())
        stripe = StripeRecord(addresses.stripe_key.get_secret_value(), addresses.stripe_api_base)
        stack.push_async_callback(stripe.close)
        await stripe.answer()
        yield Stores(databases, js, redis, stripe)


async def _answers(store: str, asked: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(2 * SECONDS):  # a client may try for minutes
            await asked
    except FAILURES as error:
        raise Away(store, error) from error


async def _quietly(_: Exception) -> None:
    """What goes wrong is told by the call that it went wrong for."""
