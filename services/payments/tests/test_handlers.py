"""Handlers: the copy of an order is current for any duplication, reordering or invalid event."""

from itertools import permutations
from typing import Any

import pytest

from payments.domain.documents import Order
from payments.handlers import listeners
from ticketing_common.events import (
    DomainEvent,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
)
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    RunningService,
    eventually,
    new_event,
    new_id,
)


def events_of_an_order(end: type[DomainEvent] = OrderCompleted) -> list[DomainEvent]:
    """Return the events of one order, in their order."""
    order_id, user_id = new_id(), new_id()
    status = "complete" if end is OrderCompleted else "cancelled"
    return [
        new_event(OrderCreated, id=order_id, user_id=user_id),
        new_event(OrderAwaitingPayment, id=order_id, version=1, status="awaiting:payment"),
        new_event(end, id=order_id, version=2, user_id=user_id, status=status),
    ]


async def copy_of(event: Any) -> Order:
    order = await Order.get(event.id)
    assert order is not None
    return order


async def test_handlers_copy_each_version_of_an_order(publish: Any) -> None:
    created, awaiting, completed = events_of_an_order()

    await publish(created)
    copy = await copy_of(created)
    assert (copy.version, copy.status) == (0, OrderStatus.CREATED)
    assert (copy.user_id, copy.price) == (created.user_id, created.ticket.price)  # type: ignore[attr-defined]
    assert (copy.expires_at, copy.ticket_id) == (created.expires_at, created.ticket.id)  # type: ignore[attr-defined]

    for event in (awaiting, completed):
        await publish(event)
        copy = await copy_of(event)
        assert (copy.version, copy.status) == (event.version, event.status)  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", [OrderCompleted, OrderCancelled])
async def test_handlers_reach_the_same_copy_in_any_order_of_events(
    payments: RunningService, publish: Any, end: type[DomainEvent]
) -> None:
    last_events = []
    for order in permutations(range(3)):
        events = events_of_an_order(end)
        await payments.bus.publish(*(events[index] for index in order))
        last_events.append(events[-1])
    await publish()

    for event in last_events:
        copy = await copy_of(event)
        assert (copy.version, copy.status) == (2, event.status)  # type: ignore[attr-defined]
    assert await payments.bus.dead_letters() == []


async def test_handlers_ignore_duplicate_events(payments: RunningService, publish: Any) -> None:
    events = events_of_an_order()
    await publish(*events)
    for event in events:
        await payments.bus.publish(event, bypass_deduplication=True)
    await publish()

    copy = await copy_of(events[0])
    assert (copy.version, copy.status) == (2, OrderStatus.COMPLETE)
    assert await payments.bus.dead_letters() == []


async def test_handlers_wait_for_a_missing_version(payments: RunningService, publish: Any) -> None:
    created, awaiting, cancelled = events_of_an_order(OrderCancelled)
    await publish(created)
    await payments.bus.publish(cancelled)

    async def is_parked() -> bool:
        return await parked_events.count() == 1

    await eventually(is_parked)
    assert (await copy_of(created)).version == 0

    await publish(awaiting)
    assert (await copy_of(created)).status == OrderStatus.CANCELLED


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_handlers_dead_letter_an_invalid_event_and_handle_the_next(
    payments: RunningService, publish: Any, event: type[DomainEvent]
) -> None:
    await payments.bus.publish_raw(event, b'{"id": "not an id"}')
    (created, *_) = events_of_an_order()
    await publish(created)

    (dead_letter,) = await payments.bus.dead_letters(1)
    assert dead_letter.data == b'{"id": "not an id"}'
    assert dead_letter.headers is not None
    assert dead_letter.headers["Dead-Letter-Subject"] == event.subject
    assert f"Invalid {event.__name__}: id: " in dead_letter.headers["Dead-Letter-Cause"]
    assert (await copy_of(created)).version == 0
