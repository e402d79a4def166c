import asyncio

import pytest
from common.tests.sample_service import Copy, CreateApp, SampleListeners

from ticketing_common.events import DomainEvent, ExpirationCompleted, TicketCreated, TicketUpdated
from ticketing_common.messaging.listeners import Listeners, inserted
from ticketing_common.persistence import database
from ticketing_testing import RunningService, TestEnvironment, new_event, new_id, serve_app


@pytest.fixture(params=[False, True], ids=["handlers", "follow"])
def sample(request: pytest.FixtureRequest) -> SampleListeners:
    """Listeners whose copies are written by handlers, or follow from the events alone."""
    return SampleListeners(follow=request.param)


async def test_copy_follows_the_versions_of_its_source(
    served: RunningService, sample: SampleListeners
) -> None:
    ticket = new_id()
    await served.bus.publish(
        new_event(TicketCreated, id=ticket, title="first"),
        new_event(TicketUpdated, id=ticket, version=1, title="second"),
        new_event(TicketUpdated, id=ticket, version=2, title="third"),
    )
    await served.bus.wait_until_handled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (str(copy.id), copy.title, copy.version) == (ticket, "third", 2)


async def test_copy_waits_for_a_missing_version(
    served: RunningService, sample: SampleListeners
) -> None:
    ticket = new_id()
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=2, title="third"))
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1, title="second"))
    await asyncio.sleep(0.2)
    assert await Copy.count() == 0

    await served.bus.publish(new_event(TicketCreated, id=ticket, title="first"))
    await served.bus.wait_until_handled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (copy.title, copy.version) == ("third", 2)
    assert await served.bus.dead_letters() == []


async def test_copy_ignores_old_versions(served: RunningService, sample: SampleListeners) -> None:
    ticket = new_id()
    events = [
        new_event(TicketCreated, id=ticket, title="first"),
        new_event(TicketUpdated, id=ticket, version=1, title="second"),
    ]
    await served.bus.publish(*events)
    await served.bus.wait_until_handled(sample.listeners)

    await served.bus.publish(*events)  # as new messages, with ids of their own
    await served.bus.wait_until_handled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (copy.title, copy.version) == ("second", 1)


async def test_copies_are_exact_with_two_processes(
    environment: TestEnvironment, create_app: CreateApp, sample: SampleListeners
) -> None:
    tickets = [new_id() for _ in range(10)]
    events: list[DomainEvent] = [new_event(TicketCreated, id=ticket) for ticket in tickets]
    for version in range(1, 6):
        events += [
            new_event(TicketUpdated, id=ticket, version=version, title=f"v{version}")
            for ticket in tickets
        ]
    async with environment.serve(create_app()) as served, serve_app(create_app(), served.bus):
        await served.bus.publish(*events)
        await served.bus.wait_until_handled(sample.listeners)
        copies = await Copy.find_all().to_list()

    assert {(copy.title, copy.version) for copy in copies} == {("v5", 5)}
    assert len(copies) == 10


async def test_copy_notifies_of_its_insert_once(
    served: RunningService, sample: SampleListeners
) -> None:
    if not sample.follows:
        pytest.skip("only `follow` notifies")
    notified: list[str] = []
    unsubscribe = database.on_commit(inserted(Copy), notified.append)
    created = new_event(TicketCreated)

    await served.bus.publish(created)
    await served.bus.publish(created, new_event(TicketUpdated, id=created.id, version=1))
    await served.bus.wait_until_handled(sample.listeners)

    unsubscribe()
    assert notified == [created.id]


async def test_copy_requires_a_versioned_event() -> None:
    with pytest.raises(TypeError, match="has no version"):
        Listeners("x").on(ExpirationCompleted, copy=Copy)(SampleListeners().update_copy)
