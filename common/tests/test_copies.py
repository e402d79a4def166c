import asyncio

import pytest
from common.tests.sample_service import Copy, CreateApp, SampleListeners

from ticketing_common.events import DomainEvent, ExpirationCompleted, TicketCreated, TicketUpdated
from ticketing_common.messaging.listeners import Listeners
from ticketing_testing import Served, World, an_event, an_id, serving


async def test_copy_follows_the_versions_of_its_source(
    served: Served, sample: SampleListeners
) -> None:
    ticket = an_id()
    await served.bus.say(
        an_event(TicketCreated, id=ticket, title="first"),
        an_event(TicketUpdated, id=ticket, version=1, title="second"),
        an_event(TicketUpdated, id=ticket, version=2, title="third"),
    )
    await served.bus.settled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (str(copy.id), copy.title, copy.version) == (ticket, "third", 2)
    assert len(sample.calls) == 3


async def test_copy_waits_for_a_missing_version(served: Served, sample: SampleListeners) -> None:
    ticket = an_id()
    await served.bus.say(an_event(TicketUpdated, id=ticket, version=2, title="third"))
    await served.bus.say(an_event(TicketUpdated, id=ticket, version=1, title="second"))
    await asyncio.sleep(0.2)
    assert sample.calls == []

    await served.bus.say(an_event(TicketCreated, id=ticket, title="first"))
    await served.bus.settled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (copy.title, copy.version) == ("third", 2)
    assert await served.bus.dead_letters() == []


async def test_copy_ignores_old_versions(served: Served, sample: SampleListeners) -> None:
    ticket = an_id()
    events = [
        an_event(TicketCreated, id=ticket, title="first"),
        an_event(TicketUpdated, id=ticket, version=1, title="second"),
    ]
    await served.bus.say(*events)
    await served.bus.settled(sample.listeners)

    await served.bus.say(*events)  # as new messages, with ids of their own
    await served.bus.settled(sample.listeners)

    [copy] = await Copy.find_all().to_list()
    assert (copy.title, copy.version) == ("second", 1)


async def test_copies_are_exact_with_two_processes(
    world: World, create_app: CreateApp, sample: SampleListeners
) -> None:
    tickets = [an_id() for _ in range(10)]
    events: list[DomainEvent] = [an_event(TicketCreated, id=ticket) for ticket in tickets]
    for version in range(1, 6):
        events += [
            an_event(TicketUpdated, id=ticket, version=version, title=f"v{version}")
            for ticket in tickets
        ]
    async with world.serving(create_app()) as served, serving(create_app(), served.bus):
        await served.bus.say(*events)
        await served.bus.settled(sample.listeners)
        copies = await Copy.find_all().to_list()

    assert {(copy.title, copy.version) for copy in copies} == {("v5", 5)}
    assert len(copies) == 10


async def test_copy_requires_a_versioned_event() -> None:
    with pytest.raises(TypeError, match="has no version"):
        Listeners("x").on(ExpirationCompleted, copy=Copy)(SampleListeners().update_copy)
