"""10,000 events that wait for another one, while orders handles all others."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from ticketing_common.events import DomainEvent, Envelope, TicketCreated, TicketUpdated, utc_now
from ticketing_common.persistence.parked_events import COLLECTION
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, new_event, new_id
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.store_servers import StoreServers

TICKETS, VERSIONS = 2_000, 5
PARKED = TICKETS * VERSIONS
PUBLISHED_AT_ONCE = 500
ROUNDS = 100
MAX_RATIO = 2.0
"""Of the latency with parked events to that without. They differ by less; a busy machine varies."""
DEADLINE_SECONDS = 400


class Orders:
    """A process of orders with stores of its own."""

    def __init__(self, bus: Bus, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.bus = bus
        self.database = database

    @classmethod
    @asynccontextmanager
    async def run(cls, environment: TestEnvironment, folder: Path) -> AsyncIterator["Orders"]:
        env = environment_variables(environment.settings() | {"log_level": "WARNING"})
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(environment.mongo_uri)
        async with (
            Bus.open(environment.nats_url, "orders") as bus,
            run_process(services.service("orders", free_port(), folder, env)),
            client,
        ):
            yield cls(bus, client.get_default_database())

    async def publish_in_bulk(self, events: Iterable[DomainEvent]) -> None:
        """Publish events, many at the same time, and wait until the broker has stored them."""
        batch = [Envelope.encode(each, id=new_id(), time=utc_now(), trace={}) for each in events]
        for start in range(0, len(batch), PUBLISHED_AT_ONCE):
            await asyncio.gather(
                *(
                    self.bus.js.publish(each.subject, each.body, headers=dict(each.headers))
                    for each in batch[start : start + PUBLISHED_AT_ONCE]
                )
            )

    async def parked(self) -> int:
        return await self.database[COLLECTION].count_documents({})

    async def wait_until(self, collection: str, query: dict[str, Any], count: int) -> float:
        """Wait until a collection has this many documents. Returns the seconds that it took."""
        start = time.monotonic()
        while (found := await self.database[collection].count_documents(query)) != count:
            assert time.monotonic() - start < DEADLINE_SECONDS, f"{found} of {count} {collection}"
            await asyncio.sleep(0.2)
        return time.monotonic() - start

    async def latency(self) -> float:
        """Return the seconds from publishing an event until its effect is in the store."""
        event = new_event(TicketCreated)
        start = time.monotonic()
        await self.bus.publish(event)
        while await self.database["tickets"].find_one({"_id": ObjectId(event.id)}) is None:
            assert time.monotonic() - start < DEADLINE_SECONDS
            await asyncio.sleep(0.001)
        return time.monotonic() - start


@pytest.mark.timeout(1200)
async def test_parked_events_hold_up_no_others_and_are_handled_with_their_predecessors(
    environment: TestEnvironment,
    store_servers: StoreServers,
    tmp_path: Path,
    record_property: Any,
) -> None:
    tickets = [new_id() for _ in range(TICKETS)]
    async with (
        TestEnvironment.create(store_servers) as other,
        Orders.run(environment, tmp_path / "parked") as orders,
        Orders.run(other, tmp_path / "idle") as idle,
    ):
        # Act: each event waits for a ticket that orders does not know.
        await orders.publish_in_bulk(
            new_event(TicketUpdated, id=ticket, version=version)
            for version in range(VERSIONS, 0, -1)
            for ticket in tickets
        )
        parking = await orders.wait_until(COLLECTION, {}, PARKED)
        latencies = [(await orders.latency(), await idle.latency()) for _ in range(ROUNDS)]

        # Assert: the others have their usual latency.
        with_parked, without = (median(values) for values in zip(*latencies, strict=True))
        ratio = with_parked / without
        assert await orders.parked() == PARKED
        assert ratio < MAX_RATIO

        # Act: the awaited events arrive.
        await orders.publish_in_bulk(new_event(TicketCreated, id=ticket) for ticket in tickets)
        handling = await orders.wait_until("tickets", {"version": VERSIONS}, TICKETS)

        # Assert: all are handled, and none is left or given up.
        assert await orders.parked() == 0
        assert await orders.bus.dead_letters() == []
    figures = {
        "p50 with parked events": f"{with_parked * 1000:.1f} ms",
        "p50 without": f"{without * 1000:.1f} ms",
        "ratio": f"{ratio:.2f}",
        "parked after": f"{parking:.0f} s",
        "handled after": f"{handling:.0f} s",
    }
    print(figures)
    record_property("figures", figures)
