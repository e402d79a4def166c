"""Parked events that are never handled: dead letters, and secrets that expire."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from common.tests.parking.parked import parked, wait_until_parked, waiting_for_item
from common.tests.sample_service import Item, SampleListeners
from nats.errors import NoRespondersError

from ticketing_common.backoff import Backoff
from ticketing_common.events import (
    OrderCancelled,
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    UserForgotPassword,
    utc_now,
)
from ticketing_common.messaging.consuming import delivery, parked_delivery, parking
from ticketing_common.messaging.consuming.dead_letters import publish_dead_letter
from ticketing_common.messaging.listeners import Reject, RetryLater
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    RunningService,
    eventually,
    new_event,
    new_id,
)


async def test_event_becomes_a_dead_letter_after_its_wait(
    served: RunningService,
    sample: SampleListeners,
    quick_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "MAX_WAIT", timedelta(seconds=0.2))

    event_id = await served.bus.publish(new_event(TicketUpdated, version=1))
    [dead_letter] = await served.bus.dead_letters(1)

    headers = dead_letter.headers or {}
    assert headers["ce-id"] == event_id
    assert headers["Dead-Letter-Listener"] == "sample.update_copy"
    assert "has version 1, the copy -1" in headers["Dead-Letter-Cause"]
    assert headers["Nats-Msg-Id"] == "sample:TICKET:1"
    await wait_until_parked(0)


async def test_event_stays_parked_until_its_dead_letter_is_stored(
    served: RunningService,
    sample: SampleListeners,
    quick_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts = 0

    async def fail_once(*args: Any, **kwargs: Any) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise NoRespondersError
        assert len(await parked()) == 1
        await publish_dead_letter(*args, **kwargs)

    monkeypatch.setattr(f"{delivery.__name__}.publish_dead_letter", fail_once)
    monkeypatch.setattr(delivery, "MAX_WAIT", timedelta(seconds=0.1))
    monkeypatch.setattr(parking, "LEASE", timedelta(seconds=0.1))

    await served.bus.publish(new_event(TicketUpdated, version=1))
    await served.bus.dead_letters(1)

    assert attempts == 2
    await wait_until_parked(0)


async def test_wait_starts_again_after_the_service_was_down(
    served: RunningService,
    sample: SampleListeners,
    quick_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The awaited event may be in the stream, not delivered yet."""
    ticket = new_id()
    with monkeypatch.context() as patch:
        patch.setattr(parked_events, "claim", lambda *_, **__: asyncio.sleep(0))
        await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
        await wait_until_parked(1)
        days_ago = utc_now() - timedelta(days=3)
        times = ("parked_at", "waiting_since", "tried_at", "next_attempt_at")
        await parked_events.rows().update_one({}, {"$set": dict.fromkeys(times, days_ago)})

    async def is_tried() -> bool:
        [row] = await parked()
        return bool(row["tried_at"] > days_ago)

    assert await eventually(is_tried)
    await served.bus.publish(new_event(TicketCreated, id=ticket))
    await served.bus.wait_until_handled(sample.listeners)
    assert await served.bus.dead_letters() == []


async def test_failures_of_a_parked_event_make_a_dead_letter(
    served: RunningService,
    sample: SampleListeners,
    quick_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(event: object) -> None:
        if isinstance(event, TicketUpdated):
            raise RuntimeError("the handler broke")

    monkeypatch.setattr(delivery, "MAX_FAILURES", 3)
    sample.hook = fail
    ticket = new_id()
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
    await wait_until_parked(1)
    await served.bus.publish(new_event(TicketCreated, id=ticket))
    [dead_letter] = await served.bus.dead_letters(1)

    headers = dead_letter.headers or {}
    assert headers["Dead-Letter-Attempts"] == "3"
    assert "the handler broke" in headers["Dead-Letter-Cause"]
    assert len([call for call in sample.calls if isinstance(call, TicketUpdated)]) == 3
    await wait_until_parked(0)


async def test_rejected_parked_event_becomes_a_dead_letter_at_once(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    async def reject(event: object) -> None:
        if isinstance(event, TicketUpdated):
            raise Reject("never")

    sample.hook = reject
    ticket = new_id()
    await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
    await wait_until_parked(1)
    await served.bus.publish(new_event(TicketCreated, id=ticket))
    [dead_letter] = await served.bus.dead_letters(1)

    assert (dead_letter.headers or {})["Dead-Letter-Cause"] == "never"
    await wait_until_parked(0)


async def test_failing_parked_event_holds_up_no_other_of_its_aggregate(
    served: RunningService, sample: SampleListeners, no_sweep: None
) -> None:
    wait = waiting_for_item(sample)
    users = [new_id(), new_id()]

    async def hook(event: object) -> None:
        await wait(event)
        if isinstance(event, OrderCancelled) and event.user_id == users[0]:
            raise RuntimeError

    sample.hook = hook
    order = new_id()
    for user in users:
        cancelled = new_event(OrderCancelled, id=order, version=1, user_id=user)
        await served.bus.publish(cancelled)
    await wait_until_parked(2)

    await served.bus.publish(new_event(OrderCreated, id=order))
    [row] = await wait_until_parked(1)

    assert (row["failures"], row["waits_for"]) == (1, None)
    assert await Item.find({"user_id": users[1]}).exists()


async def test_secret_is_deleted_when_its_event_expires(
    served: RunningService,
    sample: SampleListeners,
    quick_sweep: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wait(_: object) -> None:
        raise RetryLater("the user is unknown", waits_for=new_id())

    sample.hook = wait
    await served.bus.publish(new_event(UserForgotPassword))
    [row] = await wait_until_parked(1)
    age = row["delete_at"] - row["parked_at"]
    assert age <= timedelta(minutes=15)
    assert age > timedelta(minutes=14)

    past = {"delete_at": utc_now(), "next_attempt_at": utc_now()}
    await parked_events.rows().update_one({}, {"$set": past})

    await wait_until_parked(0)
    assert await served.bus.dead_letters() == []


async def test_sweep_is_never_later_than_the_end_of_a_secret(
    served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(_: object) -> None:
        raise RetryLater("the user is unknown")

    monkeypatch.setattr(parked_delivery, "WAITING_BACKOFF", Backoff(3600, 3600))
    sample.hook = wait
    await served.bus.publish(new_event(UserForgotPassword))
    [row] = await wait_until_parked(1)

    assert row["next_attempt_at"] == row["delete_at"]
