"""A small market on real stores, and audits of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from ops.tests.audit.shop import Shop
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from ticketing_common.events import utc_now
from ticketing_dev.standins import stripe as stripe_stand_in
from ticketing_ops.audit.addresses import SERVICES, Addresses
from ticketing_ops.audit.auditing import Audit, audit
from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.looking import Look
from ticketing_ops.audit.stores import opened
from ticketing_testing import World, serving
from ticketing_testing.patience import PATIENCE_SECONDS
from ticketing_testing.stores import Stores as Servers

KEY = "sk_test_audit"


@pytest.fixture
async def stripe_url(tmp_path: Path) -> AsyncIterator[str]:
    """Stripe's stand-in, for this test alone."""
    async with serving(stripe_stand_in.create_app(tmp_path / "stripe")) as served:
        yield served.url


@pytest.fixture
async def addresses(world: World, stores: Servers, stripe_url: str) -> AsyncIterator[Addresses]:
    """A database for each service, in the test's own world."""
    name = world.mongo_uri.rpartition("/")[2].partition("?")[0]
    uris = {service: stores.mongo_uri(f"{name}-{service}") for service in SERVICES}
    yield Addresses.model_validate(
        {f"audit_{service}_mongo_uri": uri for service, uri in uris.items()}
        | {
            "nats_url": world.nats_url,
            "redis_url": world.redis_url,
            "stripe_key": KEY,
            "stripe_api_base": stripe_url,
        }
    )
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(world.mongo_uri)
    async with client:
        for service in SERVICES:
            await client.drop_database(f"{name}-{service}")


@pytest.fixture
async def shop(addresses: Addresses) -> AsyncIterator[Shop]:
    """The market, in order."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                addresses.mongo_uri(service), tz_aware=True
            )
            await stack.enter_async_context(client)
            databases[service] = client.get_default_database()
        connection = await nats.connect(addresses.nats_url)
        stack.push_async_callback(connection.close)
        redis = await stack.enter_async_context(Redis.from_url(addresses.redis_url))
        stripe = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=str(addresses.stripe_api_base),
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=20,
            )
        )
        shop = Shop(databases, connection.jetstream(timeout=PATIENCE_SECONDS), redis, stripe)
        await shop.open()
        yield shop


Heal = Callable[[], Awaitable[None]]
Look_at = Callable[..., Awaitable[Audit]]


@pytest.fixture
def look_at(addresses: Addresses) -> Look_at:
    """Audits the market; what `heal` does happens within the grace."""

    async def look(heal: Heal | None = None, days: float = 30) -> Audit:
        once, healed = asyncio.Lock(), False

        async def wait(_: timedelta) -> None:
            nonlocal healed
            async with once:
                if heal is not None and not healed:
                    await heal()
                healed = True

        async with opened(addresses) as stores:
            seen = Look(stores, utc_now() - timedelta(days=days), timedelta(0))
            return await audit(seen, CHECKS, wait)

    return look


def told(found: Audit) -> list[tuple[str, dict[str, str]]]:
    """What an audit has found: kinds, each with its ids."""
    return [(finding.kind.name, dict(finding.ids)) for finding in found.findings]
