"""Parked events are handled when the event that they wait for has been."""

from datetime import timedelta

import pytest
from common.tests.parking.parked import only_copy, parked, wait_until_parked, waiting_for_item
from common.tests.sample_service import Copy, CreateApp, Item, SampleListeners

from ticketing_common.events import (
    DomainEvent,
    OrderCancelled,
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    utc_now,
)
from ticketing_common.messaging.listeners import RetryLater, is_replay
from ticketing_common.messaging.replay import REPLAY_HEADER, publish_replay
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    serve_app,
)


async def test_out_of_order_event_is_acknowledged_and_stored(
    served: RunningService, no_sweep: None
) -> None:
    event = new_event(TicketUpdated, version=3)

    event_id = await served.bus.publish(event)
    [row] = await wait_until_parked(1)

    assert row["_id"] == event_id
    assert (row["subject"], row["aggregate_id"], row["version"]) == (
        "ticket.updated",
        event.id,
        3,
    )
    assert (row["waits_for"], row["after_version"]) == (event.id, 2)
    assert row["headers"]["ce-id"] == event_id
    assert TicketUpdated.model_validate_json(row["body"]) == event
    assert "has version 3, the copy -1" in row["reason"]
    assert (row["stream"], row["sequence"]) == ("TICKET", 1)
    assert "delete_at" not in row

    async def is_acknowledged() -> bool:
        info = await served.bus.js.consumer_info("TICKET", "sample")
        return (info.num_ack_pending, info.num_redelivered) == (0, 0)

    assert await eventually(is_acknowledged)


async def test_parked_event_is_handled_when_its_predecessor_is(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    ticket = new_id()
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1, title="second"))
    await wait_until_parked(1)

    await served.bus.publish(new_event(TicketCreated, id=ticket, title="first"))
    await served.bus.wait_until_handled(sample.listeners)

    copy = await only_copy()
    assert (copy.title, copy.version) == ("second", 1)


async def test_parked_events_of_one_aggregate_are_handled_in_order(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    ticket = new_id()
    versions = [7, 3, 5, 1, 6, 4, 2]
    await served.bus.publish(
        *(new_event(TicketUpdated, id=ticket, version=version) for version in versions)
    )
    await wait_until_parked(7)

    await served.bus.publish(new_event(TicketCreated, id=ticket))
    await served.bus.wait_until_handled(sample.listeners)

    handled = [call.version for call in sample.calls]  # type: ignore[attr-defined]
    assert handled == list(range(8))


async def test_gap_keeps_later_events_parked(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    ticket = new_id()
    events = {
        version: new_event(TicketUpdated, id=ticket, version=version) for version in (1, 2, 3, 4)
    }
    await served.bus.publish(events[4], events[2], events[1])
    await wait_until_parked(3)
    await served.bus.publish(new_event(TicketCreated, id=ticket))
    [row] = await wait_until_parked(1)
    assert row["version"] == 4

    await served.bus.publish(events[3])
    await served.bus.wait_until_handled(sample.listeners)

    copy = await only_copy()
    assert copy.version == 4


async def test_handler_names_the_aggregate_that_it_waits_for(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    sample.hook = waiting_for_item(sample)
    order = new_id()
    await served.bus.publish(new_event(OrderCancelled, id=order, version=1))
    [row] = await wait_until_parked(1)
    assert (row["waits_for"], row["after_version"]) == (order, 0)

    await served.bus.publish(new_event(OrderCreated, id=order))
    await served.bus.wait_until_handled(sample.listeners)

    assert await Item.find({"title": order}).count() == 2


async def test_event_that_waits_for_a_time_is_handled_then(
    served: RunningService, sample: SampleListeners, quick_sweep: None
) -> None:
    begin = utc_now()
    until = begin + timedelta(seconds=0.4)

    async def wait(_: object) -> None:
        if utc_now() < until:
            raise RetryLater("it is too early", until=until)

    sample.hook = wait

    await served.bus.publish(new_event(OrderCreated))
    await served.bus.wait_until_handled(sample.listeners)

    assert len(sample.calls) == 2


async def test_awaited_event_that_is_handled_while_parking_is_noticed(
    served: RunningService,
    sample: SampleListeners,
    no_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process commits version 0 between the version check and the insert."""
    ticket, insert = new_id(), parked_events.insert

    async def insert_late(event: parked_events.ParkedEvent) -> None:
        await sample.listeners.handle(new_event(TicketCreated, id=ticket), new_id())
        await insert(event)

    monkeypatch.setattr(parked_events, "insert", insert_late)

    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
    await served.bus.wait_until_handled(sample.listeners)

    copy = await only_copy()
    assert copy.version == 1


async def test_sweep_handles_what_a_crash_left(
    served: RunningService, sample: SampleListeners
) -> None:
    """The process that committed version 0 died before it tried the parked events."""
    ticket = new_id()
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
    await wait_until_parked(1)

    await sample.listeners.handle(new_event(TicketCreated, id=ticket), new_id())
    await served.bus.wait_until_handled(sample.listeners)

    copy = await only_copy()
    assert copy.version == 1


async def test_two_processes_handle_parked_events_once_and_in_order(
    environment: TestEnvironment, create_app: CreateApp, sample: SampleListeners
) -> None:
    tickets = [new_id() for _ in range(20)]
    later: list[DomainEvent] = [
        new_event(TicketUpdated, id=ticket, version=version, title=f"v{version}")
        for version in (3, 2, 1)
        for ticket in tickets
    ]
    async with environment.serve(create_app()) as served, serve_app(create_app(), served.bus):
        await served.bus.publish(*later)
        await wait_until_parked(60)
        await served.bus.publish(*(new_event(TicketCreated, id=each) for each in tickets))
        await served.bus.wait_until_handled(sample.listeners)
        copies = await Copy.find_all().to_list()
        assert await served.bus.dead_letters() == []

    assert {(copy.title, copy.version) for copy in copies} == {("v3", 3)}
    assert len(copies) == 20


async def test_duplicate_of_a_parked_event_is_parked_and_handled_once(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    sample.hook = waiting_for_item(sample)
    order = new_id()
    event = new_event(OrderCancelled, id=order, version=1)
    event_id = await served.bus.publish(event)
    for _ in range(3):
        await served.bus.publish(event, id=event_id, bypass_deduplication=True)

    async def are_acknowledged() -> bool:
        info = await served.bus.js.consumer_info("ORDER", "sample")
        return info.ack_floor is not None and info.ack_floor.stream_seq == 4

    assert await eventually(are_acknowledged)
    assert len(await parked()) == 1

    await served.bus.publish(new_event(OrderCreated, id=order))
    await served.bus.wait_until_handled(sample.listeners)
    await served.bus.publish(event, id=event_id, bypass_deduplication=True)
    await served.bus.wait_until_handled(sample.listeners)

    assert await Item.find({"title": order}).count() == 2


async def test_parked_event_that_another_delivery_handled_is_removed(
    served: RunningService, sample: SampleListeners, quick_sweep: None
) -> None:
    event = new_event(TicketUpdated, version=1)
    await served.bus.publish(event)
    await wait_until_parked(1)
    await sample.listeners.handle(new_event(TicketCreated, id=event.id), new_id())
    await sample.listeners.handle(event, new_id())

    await wait_until_parked(0)

    assert len([call for call in sample.calls if isinstance(call, TicketUpdated)]) == 1


async def test_replayed_event_stays_a_replay(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    replays = []
    wait = waiting_for_item(sample)

    async def note(event: object) -> None:
        await wait(event)
        replays.append((type(event), is_replay()))

    sample.hook = note
    order = new_id()
    event = new_event(OrderCancelled, id=order, version=1)
    headers = {"ce-id": new_id(), "ce-source": "/orders", REPLAY_HEADER: "true"}
    await publish_replay(
        served.bus.js,
        "sample",
        event.subject,
        event.model_dump_json(by_alias=True).encode(),
        headers,
        id=new_id(),
    )
    await wait_until_parked(1)

    await served.bus.publish(new_event(OrderCreated, id=order))
    await served.bus.wait_until_handled(sample.listeners)

    assert replays == [(OrderCreated, False), (OrderCancelled, True)]
