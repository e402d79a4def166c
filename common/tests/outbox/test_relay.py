import asyncio
import functools
from datetime import timedelta
from pathlib import Path

import pytest
from common.tests.outbox.changes import Commands, change, is_empty, make, uncommunicated
from common.tests.sample_service import CreateApp, SampleListeners, create_sample_service
from pymongo import AsyncMongoClient

from ticketing_common.events import TicketCreated, TicketUpdated, utc_now
from ticketing_common.messaging import relay as relay_module
from ticketing_common.persistence import database, outbox, transaction
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process, running
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_id,
    new_user,
    serve_app,
)
from ticketing_testing.timeouts import TIMEOUT_SECONDS


async def test_relay_publishes_and_deletes_committed_rows(served: RunningService) -> None:
    user = new_user()
    visitor = await served.client(user)

    made = (await visitor.post("/api/items", json={"title": "a"})).json()

    [event] = await served.bus.published(TicketCreated)
    assert (event.id, event.version, event.user_id) == (made["id"], 0, user.id)
    assert await eventually(is_empty)


async def test_relay_sends_cloudevents_headers(served: RunningService) -> None:
    item = await make()
    await served.bus.published(TicketCreated)

    message = await served.bus.js.get_last_msg("TICKET", "ticket.created")

    headers = dict(message.headers or {})
    assert headers.pop("ce-id") == headers.pop("Nats-Msg-Id")
    assert headers.pop("ce-time").endswith("Z")
    assert len(headers.pop("traceparent").split("-")) == 4
    assert headers == {
        "ce-type": "TicketCreated",
        "ce-source": "/tickets",
        "ce-specversion": "1.0",
        "content-type": "application/json",
    }
    assert str(item.id).encode() in (message.data or b"")


async def test_relay_continues_the_trace_of_the_request(served: RunningService) -> None:
    visitor = await served.client(new_user())
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    await visitor.post("/api/items", json={"title": "a"}, headers=parent)

    await served.bus.published(TicketCreated)
    message = await served.bus.js.get_last_msg("TICKET", "ticket.created")
    assert trace in (message.headers or {})["traceparent"]


async def test_relay_publishes_in_version_order(
    environment: TestEnvironment, create_app: CreateApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    async with environment.serve(create_app()) as served, serve_app(create_app(), served.bus):
        item = await make()
        await asyncio.gather(*(change(item.id) for _ in range(15)))

        updates = await served.bus.published(TicketUpdated, 15)

    assert [event.version for event in updates] == list(range(1, 16))


async def test_relay_publishes_rows_after_a_crash(
    environment: TestEnvironment,
    sample: SampleListeners,
    create_app: CreateApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as crashed:
        crashed.setattr(outbox, "notify_after_commit", lambda *_: None)
        for publishing in ("_sweep", "drain"):
            crashed.setattr(
                relay_module.Relay, publishing, lambda *_, **__: asyncio.sleep(0, result=None)
            )
        async with environment.serve(create_app()):
            await make()
            assert not await is_empty()

    async with environment.serve(create_app()) as served:
        await served.bus.published(TicketCreated)
        assert await eventually(is_empty)


async def test_relay_sweeps_rows_of_another_replica(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.1)
    with uncommunicated(monkeypatch):
        await make()

    await served.bus.published(TicketCreated)


async def test_relay_reads_majority_committed_rows(
    environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single server never rolls back, so the test checks the read concern of the queries."""
    commands = Commands()
    client = functools.partial(AsyncMongoClient, event_listeners=[commands])
    monkeypatch.setattr(database, "AsyncMongoClient", client)
    async with database.connected(environment.mongo_uri, []):
        await outbox.pending([new_id()])
        await outbox.due(utc_now(), 1)
        await outbox.count_set_aside()

    assert [command["readConcern"] for command in commands.commands] == [{"level": "majority"}] * 3


async def test_broker_drops_a_second_publish(served: RunningService) -> None:
    await make()
    await served.bus.published(TicketCreated)
    message = await served.bus.js.get_last_msg("TICKET", "ticket.created")

    again = await served.bus.js.publish(
        "ticket.created", message.data or b"", headers=message.headers
    )

    assert again.duplicate
    assert len(await served.bus.published(TicketCreated)) == 1


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_relay_keeps_events_while_the_broker_is_down(
    environment: TestEnvironment, sample: SampleListeners, tmp_path: Path
) -> None:
    with running(servers.nats(free_port(), tmp_path)) as nats:
        settings = SessionSettings(**(environment.settings() | {"nats_url": nats.spec.url}))
        app = create_sample_service(settings, sample.listeners)
        async with Bus.open(nats.spec.url) as bus, serve_app(app, bus):
            nats.kill()
            items = [await make() for _ in range(5)]
            for _ in range(3):
                await change(items[0].id)
            assert await outbox.rows().count_documents({}) == 8

            await asyncio.to_thread(nats.start)

            assert len(await bus.published(TicketCreated, 5)) == 5
            assert [e.version for e in await bus.published(TicketUpdated, 3)] == [1, 2, 3]
            assert await eventually(is_empty)


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_service_starts_while_the_broker_is_down(
    environment: TestEnvironment, sample: SampleListeners, tmp_path: Path
) -> None:
    port = free_port()
    url = f"nats://127.0.0.1:{port}"
    settings = SessionSettings(**(environment.settings() | {"nats_url": url}))
    nats = Process(servers.nats(port, tmp_path))
    try:
        async with serve_app(create_sample_service(settings, sample.listeners)) as served:
            visitor = await served.client()

            async def is_ready() -> bool:
                return (await visitor.get("/readyz")).status_code == 200

            # It does not know yet which sessions have ended.
            assert not await is_ready()
            await make()
            await asyncio.to_thread(nats.start)
            async with Bus.open(url) as bus:
                await bus.published(TicketCreated)
                assert await eventually(is_ready)
    finally:
        nats.stop()


async def test_relay_leaves_rows_above_its_limit_to_the_sweep(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "MAX_ACTIVE", 1)
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(milliseconds=50))

    await asyncio.gather(*(make() for _ in range(10)))

    assert len(await served.bus.published(TicketCreated, 10)) == 10

    assert await eventually(is_empty)
