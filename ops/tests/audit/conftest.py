"""A small consistent data set in real stores, and audits of it."""

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
from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_dev.standins import stripe as stripe_stand_in
from ticketing_ops.audit.check_runner import AuditResult, run_checks
from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.scan import Scan
from ticketing_ops.audit.stores import connected
from ticketing_ops.connections import Connections
from ticketing_testing import TestEnvironment, serve_app
from ticketing_testing.store_servers import StoreServers as Servers
from ticketing_testing.timeouts import TIMEOUT_SECONDS

KEY = "sk_test_audit"

Resolve = Callable[[], Awaitable[None]]
RunAudit = Callable[..., Awaitable[AuditResult]]


@pytest.fixture
async def stripe_url(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a Stripe stand-in for this test alone."""
    async with serve_app(stripe_stand_in.create_app(tmp_path / "stripe")) as served:
        yield served.url


@pytest.fixture
async def connections(
    environment: TestEnvironment, store_servers: Servers, stripe_url: str
) -> AsyncIterator[Connections]:
    """Connections with one new database per service."""
    name = environment.mongo_uri.rpartition("/")[2].partition("?")[0]
    yield Connections.from_variables(
        {
            f"{service.upper()}_MONGO_URI": store_servers.mongo_uri(f"{name}-{service}")
            for service in SERVICES_WITH_DATABASE
        }
        | {
            "NATS_URL": environment.nats_url,
            "REDIS_URL": environment.redis_url,
            "STRIPE_KEY": KEY,
            "STRIPE_API_BASE": stripe_url,
        }
    )
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(environment.mongo_uri)
    async with client:
        for service in SERVICES_WITH_DATABASE:
            await client.drop_database(f"{name}-{service}")


@pytest.fixture
async def shop(connections: Connections) -> AsyncIterator[Shop]:
    """The data set, without a violation."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES_WITH_DATABASE:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                connections.mongo_uri(service),
                tz_aware=True,
                # The audit reads with concern "majority": servers before 5.0 acknowledge earlier.
                w="majority",
            )
            await stack.enter_async_context(client)
            databases[service] = client.get_default_database()
        connection = await nats.connect(connections.nats_url)
        stack.push_async_callback(connection.close)
        redis = await stack.enter_async_context(Redis.from_url(connections.redis_url))
        stripe = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=str(connections.stripe_api_base),
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=20,
            )
        )
        shop = Shop(databases, connection.jetstream(timeout=TIMEOUT_SECONDS), redis, stripe)
        await shop.open()
        yield shop


@pytest.fixture
def run_audit(connections: Connections) -> RunAudit:
    """A function that audits the stores, and calls `resolve` within the grace."""

    async def run(resolve: Resolve | None = None, days: float = 30) -> AuditResult:
        lock, is_resolved = asyncio.Lock(), False

        async def wait(_: timedelta) -> None:
            nonlocal is_resolved
            async with lock:
                if resolve is not None and not is_resolved:
                    await resolve()
                is_resolved = True

        async with connected(connections) as stores:
            scan = Scan(stores, utc_now() - timedelta(days=days), timedelta(0))
            return await run_checks(scan, CHECKS, wait)

    return run


def kinds_and_ids(result: AuditResult) -> list[tuple[str, dict[str, str]]]:
    """Return the kind and the ids of each finding."""
    return [(finding.kind.name, dict(finding.ids)) for finding in result.findings]
