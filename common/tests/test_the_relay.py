import asyncio
import functools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from common.tests.workshop import Replica, Thing, Workshop, make_app
from pymongo import AsyncMongoClient, monitoring

from ticketing_common.events import TicketCreated, TicketUpdated, utc_now
from ticketing_common.messaging import relay as relay_module
from ticketing_common.persistence import database, outbox, transaction
from ticketing_common.persistence.transaction import transactional
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process, running
from ticketing_testing import Bus, Served, World, an_id, eventually, serving, somebody
from ticketing_testing.patience import PATIENCE_SECONDS


@transactional
async def make() -> Thing:
    thing = await Thing(title="a", user_id=an_id()).insert()
    await outbox.add(TicketCreated.of(thing))
    return thing


@transactional
async def change(thing_id: object) -> None:
    thing = await Thing.get(thing_id)
    assert thing is not None
    await thing.save()
    await outbox.add(TicketUpdated.of(thing))


async def is_empty() -> bool:
    return await outbox.rows().count_documents({}) == 0


async def test_what_is_committed_is_published_at_once_and_then_forgotten(served: Served) -> None:
    user = somebody()
    visitor = await served.visitor(user)

    made = (await visitor.post("/api/things", json={"title": "a"})).json()

    [event] = await served.bus.heard(TicketCreated)
    assert (event.id, event.version, event.user_id) == (made["id"], 0, user.id)
    assert await eventually(is_empty)


async def test_a_message_carries_the_cloudevents_headers(served: Served) -> None:
    thing = await make()
    await served.bus.heard(TicketCreated)

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
    assert str(thing.id).encode() in (message.data or b"")


async def test_the_trace_of_a_request_goes_on_in_its_events(served: Served) -> None:
    visitor = await served.visitor(somebody())
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    await visitor.post("/api/things", json={"title": "a"}, headers=parent)

    await served.bus.heard(TicketCreated)
    message = await served.bus.js.get_last_msg("TICKET", "ticket.created")
    assert trace in (message.headers or {})["traceparent"]


async def test_the_events_of_one_document_are_published_in_the_order_of_its_versions(
    world: World, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "CALL_SECONDS", PATIENCE_SECONDS)
    async with world.serving(replica()) as served, serving(replica(), served.bus):
        thing = await make()
        await asyncio.gather(*(change(thing.id) for _ in range(15)))

        updates = await served.bus.heard(TicketUpdated, 15)

    assert [event.version for event in updates] == list(range(1, 16))


async def test_what_a_crash_left_behind_is_published_by_the_next_process(
    world: World, workshop: Workshop, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crashed:
        crashed.setattr(outbox, "_announce", lambda _: None)
        for publishing in ("sweep", "drain"):
            crashed.setattr(relay_module.Relay, publishing, lambda _: asyncio.sleep(0))
        async with world.serving(replica()):
            await make()
            assert not await is_empty()

    monkeypatch.setattr(relay_module, "LEFT_BEHIND", timedelta(0))
    async with world.serving(replica()) as served:
        await served.bus.heard(TicketCreated)
        assert await eventually(is_empty)


async def test_what_another_replica_left_behind_is_swept_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(outbox, "_announce", lambda _: None)

    await make()

    await served.bus.heard(TicketCreated)


async def test_what_could_still_be_rolled_back_is_not_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server alone has nothing to roll back: we look at how it is asked."""
    asked: list[Mapping[str, Any]] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            if event.command_name == "find":
                asked.append(event.command)

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    client = functools.partial(AsyncMongoClient, event_listeners=[Listener()])
    monkeypatch.setattr(database, "AsyncMongoClient", client)
    async with database.connected(world.mongo_uri, []):
        await outbox.pending(an_id())
        await outbox.keys_waiting_since(utc_now(), 1)

    assert [command["readConcern"] for command in asked] == [{"level": "majority"}] * 2


async def test_a_second_publishing_is_harmless(served: Served) -> None:
    await make()
    await served.bus.heard(TicketCreated)
    message = await served.bus.js.get_last_msg("TICKET", "ticket.created")

    again = await served.bus.js.publish(
        "ticket.created", message.data or b"", headers=message.headers
    )

    assert again.duplicate
    assert len(await served.bus.heard(TicketCreated)) == 1


@pytest.mark.usefixtures("broken_connections")
async def test_requests_are_served_and_events_kept_while_the_broker_is_away(
    world: World, workshop: Workshop, tmp_path: Path
) -> None:
    with running(servers.nats(free_port(), tmp_path)) as nats:
        settings = SessionSettings(**(world.settings() | {"nats_url": nats.spec.url}))
        app = make_app(settings, workshop.listeners)
        async with Bus.open(nats.spec.url) as bus, serving(app, bus):
            nats.kill()
            things = [await make() for _ in range(5)]
            for _ in range(3):
                await change(things[0].id)
            assert await outbox.rows().count_documents({}) == 8

            await asyncio.to_thread(nats.start)

            assert len(await bus.heard(TicketCreated, 5)) == 5
            assert [e.version for e in await bus.heard(TicketUpdated, 3)] == [1, 2, 3]
            assert await eventually(is_empty)


@pytest.mark.usefixtures("broken_connections")
async def test_a_service_starts_and_serves_while_the_broker_is_away(
    world: World, workshop: Workshop, tmp_path: Path
) -> None:
    port = free_port()
    url = f"nats://127.0.0.1:{port}"
    settings = SessionSettings(**(world.settings() | {"nats_url": url}))
    nats = Process(servers.nats(port, tmp_path))
    try:
        async with serving(make_app(settings, workshop.listeners)) as served:
            visitor = await served.visitor()
            assert (await visitor.get("/readyz")).status_code == 200
            await make()
            await asyncio.to_thread(nats.start)
            async with Bus.open(url) as bus:
                await bus.heard(TicketCreated)
    finally:
        nats.stop()


async def test_rows_are_left_to_the_sweep_where_there_are_more_than_we_remember(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "KEYS_REMEMBERED", 1)
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(relay_module, "LEFT_BEHIND", timedelta(milliseconds=50))

    await asyncio.gather(*(make() for _ in range(10)))

    assert len(await served.bus.heard(TicketCreated, 10)) == 10

    async def none_waits() -> bool:
        return await outbox.keys_waiting_since(utc_now(), 10) == []

    await eventually(none_waits)
