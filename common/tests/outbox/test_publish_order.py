"""The order of publishing, from memory and by queries."""

import asyncio
import functools
from collections import Counter
from datetime import timedelta

import pytest
from common.tests.outbox.changes import (
    Commands,
    change,
    fail_payments,
    is_empty,
    make,
    uncommunicated,
)
from common.tests.sample_service import CreateApp
from pymongo import AsyncMongoClient

from ticketing_common.events import PaymentFailed, TicketCreated, TicketUpdated
from ticketing_common.messaging import relay as relay_module
from ticketing_common.persistence import database, outbox
from ticketing_testing import RunningService, TestEnvironment, eventually, new_id, serve_app


async def test_relay_publishes_from_memory(
    environment: TestEnvironment, create_app: CreateApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in sequence costs an insert, no query and a share of a deletion."""
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 60)
    commands = Commands()
    client = functools.partial(AsyncMongoClient, event_listeners=[commands])
    monkeypatch.setattr(database, "AsyncMongoClient", client)
    async with environment.serve(create_app()) as served:
        await eventually(lambda: _has_swept(commands))
        commands.names.clear()
        items = await asyncio.gather(*(make() for _ in range(10)))
        for _ in range(3):
            await asyncio.gather(*(change(item.id) for item in items))

        await served.bus.published(TicketUpdated, 30)
        # Not by a query, which would be counted.
        await eventually(lambda: _is_deleted(commands, 40))

    counts = Counter(commands.names)
    assert counts["insert"] == 40
    assert counts["delete"] <= 20
    assert counts["find"] + counts["aggregate"] <= 2, "only the drain and its last query"


async def _has_swept(commands: Commands) -> bool:
    return commands.names.count("find") >= 2


async def _is_deleted(commands: Commands, count: int) -> bool:
    deletes = [command for command in commands.commands if "delete" in command]
    ids = [row for delete in deletes for row in delete["deletes"][0]["q"]["_id"]["$in"]]
    return len(ids) >= count


async def test_relay_reads_what_another_process_has_left_behind(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 60)
    item = await make()
    await served.bus.published(TicketCreated)
    with uncommunicated(monkeypatch):
        await change(item.id)

    await change(item.id)

    assert [event.version for event in await served.bus.published(TicketUpdated, 2)] == [1, 2]
    assert await eventually(is_empty)


async def test_relay_reads_the_rows_of_events_without_a_version(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 60)
    order_id = new_id()
    with uncommunicated(monkeypatch):
        [first] = await fail_payments(1, order_id)

    [second] = await fail_payments(1, order_id)

    published = await served.bus.published(PaymentFailed, 2)
    assert [event.id for event in published] == [first.id, second.id]


async def test_relay_publishes_again_after_a_crash_before_the_deletion(
    environment: TestEnvironment, create_app: CreateApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None: ...

    with monkeypatch.context() as crashed:
        crashed.setattr(outbox, "delete", nothing)
        async with environment.serve(create_app()) as served:
            await make()
            await served.bus.published(TicketCreated)
            assert not await is_empty()

    async with environment.serve(create_app()) as served:
        assert await eventually(is_empty)
        assert len(await served.bus.published(TicketCreated)) == 1


async def test_two_relays_publish_each_event_once_and_in_order(
    environment: TestEnvironment, create_app: CreateApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(0))
    async with environment.serve(create_app()) as served, serve_app(create_app(), served.bus):
        items = await asyncio.gather(*(make() for _ in range(10)))
        for number in range(6):
            if number % 2:
                await asyncio.gather(*(change(item.id) for item in items))
            else:
                with uncommunicated(monkeypatch):
                    await asyncio.gather(*(change(item.id) for item in items))

        updates = await served.bus.published(TicketUpdated, 60)
        assert await eventually(is_empty)

    for item in items:
        versions = [event.version for event in updates if event.id == str(item.id)]
        assert versions == [1, 2, 3, 4, 5, 6]
