"""A service whose streams or consumers are not provisioned, or are lost."""

from collections.abc import AsyncIterator

import nats
import pytest
from common.tests.outbox.changes import make
from common.tests.sample_service import CreateApp, Item, SampleListeners

from ticketing_common.events import OrderCancelled, OrderCreated, TicketCreated
from ticketing_common.messaging.consuming import consumer
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.provisioning import provision
from ticketing_common.messaging.streams import streams
from ticketing_common.observability import metrics
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event
from ticketing_testing.running_service import serve_app


@pytest.fixture
async def bus(environment: TestEnvironment) -> AsyncIterator[Bus]:
    """A NATS without any stream."""
    connection = await nats.connect(environment.nats_url)
    yield Bus(connection.jetstream())
    await connection.close()


def lacks(stream: str) -> bool:
    return bool(metrics.CONSUMERS_NOT_PROVISIONED.labels(stream)._value.get())


async def _lacks(stream: str, *, expected: bool = True) -> bool:
    return lacks(stream) == expected


async def test_service_waits_for_its_streams_and_works_once_they_exist(
    create_app: CreateApp, sample: SampleListeners, bus: Bus
) -> None:
    async with serve_app(create_app()) as served:
        assert await eventually(lambda: _lacks("ORDER"))
        visitor = await served.client()
        assert (await visitor.get("/healthz")).status_code == 200
        item = await make()

        await bus.provision(sample.listeners)
        event = new_event(OrderCreated)
        await bus.publish(event)

        await bus.wait_until_handled(sample.listeners)
        assert {each.title for each in await Item.find_all().to_list()} == {item.title, event.id}
        assert [each.id for each in await bus.published(TicketCreated)] == [str(item.id)]
        assert not lacks("ORDER")
        assert (await visitor.get("/readyz")).status_code == 200


async def test_service_without_one_consumer_handles_the_events_of_others(
    served: RunningService, sample: SampleListeners
) -> None:
    await served.bus.js.delete_stream("TICKET")
    assert await eventually(lambda: _lacks("TICKET"))
    event = new_event(OrderCreated)
    await served.bus.publish(event)

    async def is_handled() -> bool:
        return await Item.find_one(Item.title == event.id) is not None

    assert await eventually(is_handled)
    visitor = await served.client()
    assert (await visitor.get("/readyz")).status_code == 200
    await served.bus.provision(sample.listeners)
    assert await eventually(lambda: _lacks("TICKET", expected=False))
    await served.bus.publish(new_event(TicketCreated))
    await served.bus.wait_until_handled(sample.listeners)


async def test_service_reports_a_consumer_that_lacks_subjects(
    create_app: CreateApp, sample: SampleListeners, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release is newer than that of the provisioner. It handles the other events."""
    monkeypatch.setattr(consumer, "LACKING_CHECK_SECONDS", 0.2)
    monkeypatch.setattr(consumer, "FETCH_TIMEOUT_SECONDS", 0.1)
    older = Listeners("sample")
    for listener in sample.listeners:
        if listener.event is not OrderCancelled:
            older.on(listener.event)(listener.handler)
    await bus.provision(older)
    async with serve_app(create_app()):
        assert await eventually(lambda: _lacks("ORDER"))
        await bus.publish(new_event(OrderCreated))
        await bus.wait_until_handled(older)

        await bus.provision(sample.listeners)
        assert await eventually(lambda: _lacks("ORDER", expected=False))
        await bus.publish(new_event(OrderCancelled))
        await bus.wait_until_handled(sample.listeners)
        assert await Item.count() == 2


async def test_provision_updates_the_settings_of_an_earlier_release(bus: Bus) -> None:
    for config in streams():
        await bus.js.add_stream(config.evolve(allow_direct=False, republish=None, max_age=300))

    changes = await provision(bus.js, {})

    assert changes == [f"updated stream {config.name}" for config in streams()]
    assert await provision(bus.js, {}) == []
    for config in streams():
        stored = (await bus.js.stream_info(str(config.name))).config
        assert stored.allow_direct
        assert (stored.republish, stored.max_age) == (config.republish, config.max_age)


async def test_event_of_another_source_is_a_dead_letter(
    served: RunningService, sample: SampleListeners
) -> None:
    event = new_event(OrderCreated)
    body = event.model_dump_json(by_alias=True).encode()
    headers = {"ce-id": "forged", "ce-source": "/tickets"}
    await served.bus.js.publish(event.subject, body, headers=headers)

    [dead_letter] = await served.bus.dead_letters(1)
    cause = (dead_letter.headers or {})["Dead-Letter-Cause"]
    assert cause == "The ce-source of order.created is not its producer /orders"
    assert sample.calls == []
    assert await Item.count() == 0
