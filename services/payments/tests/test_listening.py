"""Our copy of an order: current whatever is doubled, reordered or unreadable on its way."""

import asyncio
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
    UserChangedPassword,
)
from ticketing_testing import (
    RunningService,
    eventually,
    new_event,
    new_id,
    new_user,
    next_millisecond,
)


def life_of_an_order(end: type[DomainEvent] = OrderCompleted) -> list[DomainEvent]:
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


async def test_the_copy_follows_the_order(said: Any) -> None:
    created, awaiting, completed = life_of_an_order()

    await said(created)
    copy = await copy_of(created)
    assert (copy.version, copy.status) == (0, OrderStatus.CREATED)
    assert (copy.user_id, copy.price) == (created.user_id, created.ticket.price)  # type: ignore[attr-defined]
    assert (copy.expires_at, copy.ticket_id) == (created.expires_at, created.ticket.id)  # type: ignore[attr-defined]

    for event in (awaiting, completed):
        await said(event)
        copy = await copy_of(event)
        assert (copy.version, copy.status) == (event.version, event.status)  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", [OrderCompleted, OrderCancelled])
async def test_in_whatever_order_its_events_come_the_copy_ends_alike(
    payments: RunningService, said: Any, end: type[DomainEvent]
) -> None:
    lives = list(permutations(range(3)))
    ended = []
    for life in lives:
        events = life_of_an_order(end)
        await payments.bus.publish(*(events[number] for number in life))
        ended.append(events[-1])
    await said()

    for event in ended:
        copy = await copy_of(event)
        assert (copy.version, copy.status) == (2, event.status)  # type: ignore[attr-defined]
    assert await payments.bus.dead_letters() == []


async def test_events_that_come_twice_change_nothing_the_second_time(
    payments: RunningService, said: Any
) -> None:
    events = life_of_an_order()
    await said(*events)
    for event in events:
        await payments.bus.publish(event, bypass_deduplication=True)
    await said()

    copy = await copy_of(events[0])
    assert (copy.version, copy.status) == (2, OrderStatus.COMPLETE)
    assert await payments.bus.dead_letters() == []


async def test_an_event_waits_for_the_one_before_it(payments: RunningService, said: Any) -> None:
    created, awaiting, cancelled = life_of_an_order(OrderCancelled)
    await said(created)
    await payments.bus.publish(cancelled)

    async def waits() -> bool:
        info = await payments.bus.js.consumer_info("ORDER", "payments")
        return bool(info.num_redelivered)

    await eventually(waits)
    assert (await copy_of(created)).version == 0

    await said(awaiting)
    assert (await copy_of(created)).status == OrderStatus.CANCELLED


@pytest.mark.parametrize("event", [row.event for row in listeners])
async def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nothing(
    payments: RunningService, said: Any, event: type[DomainEvent]
) -> None:
    await payments.bus.publish_raw(event, b'{"id": "not an id"}')
    (created, *_) = life_of_an_order()
    await said(created)

    (letter,) = await payments.bus.dead_letters(1)
    assert letter.data == b'{"id": "not an id"}'
    assert letter.headers is not None
    assert letter.headers["Dead-Letter-Subject"] == event.subject
    assert f"Not a {event.__name__}: id: " in letter.headers["Dead-Letter-Cause"]
    assert (await copy_of(created)).version == 0


async def test_a_changed_password_ends_the_sessions_from_before(
    payments: RunningService, said: Any
) -> None:
    user, other = new_user(), new_user()
    before, others = await payments.client(user), await payments.client(other)
    await said(new_event(UserChangedPassword, id=user.id, changed_at=next_millisecond()))
    await asyncio.sleep(0.002)  # what begins now is after it

    for visitor, status in ((before, 401), (others, 400), (await payments.client(user), 400)):
        assert (await visitor.post("/api/payments", json={})).status_code == status
