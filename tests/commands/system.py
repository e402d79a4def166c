"""All six services as processes that record their MongoDB commands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient
from tests.commands.recorded_service import RECORD_VARIABLE, SERVICE_VARIABLE
from tests.commands.recording import Record, RecordReader
from tests.listeners.services import LISTENERS_OF

from ticketing_common.persistence import parked_events
from ticketing_common.topology import SERVICE_NAMES, SERVICES_WITH_DATABASE, SERVICES_WITH_ROUTES
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_testing import Bus, TestEnvironment, eventually
from ticketing_testing.http import NO_TLS
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient, StripeStandInClient
from ticketing_testing.store_servers import StoreServers
from ticketing_testing.timeouts import TIMEOUT_SECONDS

STRIPE_KEY, SENDGRID_KEY, WEBHOOK_SECRET = "sk_test_commands", "SG.commands", "whsec_commands"
WINDOW_SECONDS = 3600
"""No order expires by itself during the measurement."""

Records = dict[str, Record]


class RecordedSystem:
    """The running services, their stores, and the stand-ins."""

    def __init__(
        self,
        urls: dict[str, str],
        readers: dict[str, RecordReader],
        databases: dict[str, Any],
        bus: Bus,
        stripe: StripeStandInClient,
        sendgrid: StandInClient,
    ) -> None:
        self.urls = urls
        self._readers = readers
        self.databases = databases
        self.bus = bus
        self.stripe = stripe
        self.sendgrid = sendgrid

    async def record(self, action: Callable[[], Awaitable[Any]]) -> Records:
        """Run an action and return the work of the services until everything was quiet."""
        for reader in self._readers.values():
            reader.read()
        await action()
        await self.wait_until_quiet()
        return self.read()

    def read(self) -> Records:
        """Return the work of the services since the last call."""
        return {service: reader.read() for service, reader in self._readers.items()}

    async def idle(self, seconds: float) -> None:
        """Send no request for a time, and forget the work before it."""
        await self.wait_until_quiet()
        self.read()
        await asyncio.sleep(seconds)

    async def wait_until_quiet(self) -> None:
        """Wait until every event is handled, every outbox is empty, and every mail is sent."""

        async def is_quiet() -> bool:
            before = self._sizes()
            for listeners in LISTENERS_OF.values():
                await self.bus.wait_until_handled(listeners)
            for database in self.databases.values():
                if await database["outbox"].count_documents({}):
                    return False
                if await database[parked_events.COLLECTION].count_documents({}):
                    return False
            if await self.databases["contact"]["mails"].count_documents({"state": "queued"}):
                return False
            refunds = {"status": "refund-pending"}
            if await self.databases["payments"]["payments"].count_documents(refunds):
                return False
            await asyncio.sleep(0.1)
            return before == self._sizes()

        await eventually(is_quiet)

    def _sizes(self) -> dict[str, int]:
        return {service: reader.size() for service, reader in self._readers.items()}


@asynccontextmanager
async def run_recorded_system(
    environment: TestEnvironment, stores: StoreServers, folder: Path
) -> AsyncIterator[RecordedSystem]:
    """Run the services for the block, with databases of their own."""
    stripe = stripe_stand_in(free_port(), folder / "stripe")
    sendgrid = sendgrid_stand_in(free_port(), folder / "sendgrid")
    settings = environment.settings() | {
        "stripe_key": STRIPE_KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_base": stripe.url,
        "sendgrid_key": SENDGRID_KEY,
        "sendgrid_email": "noreply@tickets.example",
        "sendgrid_api_base": sendgrid.url,
        "public_url": "https://tickets.example",
        "cookie_secure": False,
        "expiration_window_seconds": WINDOW_SECONDS,
    }
    specs = {}
    for name in SERVICE_NAMES:
        uri = stores.mongo_uri(f"commands_{name}")
        env = environment_variables(settings | {"mongo_uri": uri})
        specs[name] = _recorded(services.service(name, free_port(), folder / name, env))
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(Bus.open(environment.nats_url, *SERVICE_NAMES))
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            stores.mongo_uri("commands"), tz_aware=True
        )
        await stack.enter_async_context(client)
        for spec in (stripe, sendgrid):
            await stack.enter_async_context(run_process(spec))
        for spec in specs.values():
            await stack.enter_async_context(run_process(spec))
        system = RecordedSystem(
            {name: specs[name].url for name in SERVICES_WITH_ROUTES},
            {name: RecordReader(Path(spec.env[RECORD_VARIABLE])) for name, spec in specs.items()},
            {name: client[f"commands_{name}"] for name in SERVICES_WITH_DATABASE},
            bus,
            StripeStandInClient(stripe.url, {"Authorization": f"Bearer {STRIPE_KEY}"}),
            StandInClient(sendgrid.url, {"Authorization": f"Bearer {SENDGRID_KEY}"}),
        )
        # Webhooks are delivered one by one, so that none meets the request that causes it.
        await system.stripe.set_webhook_endpoint(
            f"{system.urls['payments']}/api/payments/webhook", WEBHOOK_SECRET
        )
        await system.stripe.set_webhook_faults(hold=True)
        await system.wait_until_quiet()
        yield system


def _recorded(spec: ProcessSpec) -> ProcessSpec:
    factory = "tests.commands.recorded_service:create"
    command = tuple(factory if ":create_app" in word else word for word in spec.command)
    env = {
        **spec.env,
        "PYTHONPATH": str(ROOT),
        SERVICE_VARIABLE: spec.name,
        RECORD_VARIABLE: str(spec.data / "commands.jsonl"),
    }
    return replace(spec, command=command, env=env)


def http_client(cookies: httpx.Cookies | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, verify=NO_TLS, cookies=cookies)
