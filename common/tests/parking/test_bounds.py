"""The limits of parking, failures of its store, and its metrics."""

from datetime import timedelta

import pytest
from common.tests.parking.parked import parked, wait_until_parked
from common.tests.sample_service import Copy, CreateApp, Item, SampleListeners
from pymongo.errors import AutoReconnect

from ticketing_common.events import (
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    utc_now,
)
from ticketing_common.messaging import streams
from ticketing_common.messaging.consuming import consumer, parking
from ticketing_common.observability import metrics
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
)


async def test_too_many_parked_events_are_redelivered(
    served: RunningService,
    sample: SampleListeners,
    no_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parking, "MAX_PARKED", 2)
    tickets = [new_id() for _ in range(5)]
    await served.bus.publish(
        *(new_event(TicketUpdated, id=ticket, version=1) for ticket in tickets)
    )

    async def are_redelivered() -> bool:
        info = await served.bus.js.consumer_info("TICKET", "sample")
        return (info.num_ack_pending, info.num_redelivered) == (3, 3)

    assert await eventually(are_redelivered)
    assert len(await parked()) == 2

    await served.bus.publish(*(new_event(TicketCreated, id=ticket) for ticket in tickets))
    await served.bus.wait_until_handled(sample.listeners)

    assert {copy.version for copy in await Copy.find_all().to_list()} == {1}
    assert await Copy.count() == 5


async def test_failing_events_hold_up_no_others(
    environment: TestEnvironment,
    create_app: CreateApp,
    sample: SampleListeners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MAX_ACK_PENDING", 10)
    monkeypatch.setattr(consumer, "MAX_FAILED_DELIVERIES", 5)
    monkeypatch.setattr(consumer, "MAX_CONCURRENT_EVENTS", 4)
    poisoned = {new_id() for _ in range(40)}

    async def fail(event: object) -> None:
        if isinstance(event, OrderCreated) and event.id in poisoned:
            raise RuntimeError

    sample.hook = fail
    healthy = new_event(OrderCreated)
    async with environment.serve(create_app()) as served:
        await served.bus.publish(*(new_event(OrderCreated, id=each) for each in poisoned))
        await served.bus.publish(healthy)

        async def is_handled() -> bool:
            return await Item.find({"title": healthy.id}).exists()

        assert await eventually(is_handled)
        assert await served.bus.dead_letters() == []
        assert await parked()


async def test_unavailable_store_while_parking_is_retried(
    served: RunningService,
    sample: SampleListeners,
    no_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert, attempts = parked_events.insert, 0

    async def fail_twice(event: parked_events.ParkedEvent) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 2:
            raise AutoReconnect("down")
        await insert(event)

    monkeypatch.setattr(parked_events, "insert", fail_twice)

    await served.bus.publish(new_event(TicketUpdated, version=1))

    await wait_until_parked(1)
    assert attempts == 3


async def test_metrics_show_count_and_age(
    served: RunningService, sample: SampleListeners, quick_sweep: None
) -> None:
    await served.bus.publish(*(new_event(TicketUpdated, version=1) for _ in range(3)))
    await wait_until_parked(3)
    hour_ago = utc_now() - timedelta(hours=1)
    await parked_events.rows().update_one({}, {"$set": {"parked_at": hour_ago}})

    async def are_set() -> bool:
        count = metrics.PARKED_EVENTS.collect()
        age = metrics.PARKED_EVENTS_OLDEST_SECONDS.collect()
        values = [next(iter(family)).samples[0].value for family in (count, age)]
        return values[0] == 3 and 3600 <= values[1] < 3700

    assert await eventually(are_set)
