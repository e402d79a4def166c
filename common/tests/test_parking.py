"""Parked events: acknowledged at once, handled when the event that they wait for has been."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from common.tests.sample_service import Copy, CreateApp, Item, SampleListeners
from nats.errors import NoRespondersError
from pymongo.errors import AutoReconnect

from ticketing_common.backoff import Backoff
from ticketing_common.events import (
    DomainEvent,
    OrderCancelled,
    OrderCreated,
    TicketCreated,
    TicketUpdated,
    UserForgotPassword,
    utc_now,
)
from ticketing_common.messaging import streams
from ticketing_common.messaging.consuming import consumer, delivery, parking
from ticketing_common.messaging.consuming.dead_letters import publish_dead_letter
from ticketing_common.messaging.listeners import Reject, RetryLater, is_replay
from ticketing_common.messaging.replay import REPLAY_HEADER, publish_replay
from ticketing_common.observability import metrics
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    serve_app,
)


@pytest.fixture
def no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps find nothing, so that only triggers handle parked events."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(parked_events, "claim", nothing)


@pytest.fixture
def quick_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "SWEEP_SECONDS", 0.02)


async def parked() -> list[dict[str, Any]]:
    return await parked_events.rows().find().sort("_id").to_list()


async def wait_until_parked(count: int) -> list[dict[str, Any]]:
    async def are_parked() -> list[dict[str, Any]]:
        rows = await parked()
        assert len(rows) == count
        return rows or [{}]

    return await eventually(are_parked)


def waiting_for_item(sample: SampleListeners) -> Callable[[object], Awaitable[None]]:
    """Return a hook with which an OrderCancelled needs the item of its OrderCreated."""

    async def hook(event: object) -> None:
        if not isinstance(event, OrderCancelled):
            return
        if not await Item.find({"title": event.id}).exists():
            raise RetryLater("there is no item", waits_for=event.id)

    return hook


class TestParking:
    async def test_out_of_order_event_is_acknowledged_and_stored(
        self, served: RunningService, no_sweep: None
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
        self, served: RunningService, sample: SampleListeners, no_sweep: None
    ) -> None:
        ticket = new_id()
        await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1, title="second"))
        await wait_until_parked(1)

        await served.bus.publish(new_event(TicketCreated, id=ticket, title="first"))
        await served.bus.wait_until_handled(sample.listeners)

        copy = await Copy.find_one()
        assert copy is not None
        assert (copy.title, copy.version) == ("second", 1)

    async def test_parked_events_of_one_aggregate_are_handled_in_order(
        self, served: RunningService, sample: SampleListeners, no_sweep: None
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
        self, served: RunningService, sample: SampleListeners, no_sweep: None
    ) -> None:
        ticket = new_id()
        events = {
            version: new_event(TicketUpdated, id=ticket, version=version)
            for version in (1, 2, 3, 4)
        }
        await served.bus.publish(events[4], events[2], events[1])
        await wait_until_parked(3)
        await served.bus.publish(new_event(TicketCreated, id=ticket))
        [row] = await wait_until_parked(1)
        assert row["version"] == 4

        await served.bus.publish(events[3])
        await served.bus.wait_until_handled(sample.listeners)

        copy = await Copy.find_one()
        assert copy is not None
        assert copy.version == 4

    async def test_handler_names_the_aggregate_that_it_waits_for(
        self, served: RunningService, sample: SampleListeners, no_sweep: None
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
        self, served: RunningService, sample: SampleListeners, quick_sweep: None
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
        self,
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

        copy = await Copy.find_one()
        assert copy is not None
        assert copy.version == 1

    async def test_sweep_handles_what_a_crash_left(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        """The process that committed version 0 died before it tried the parked events."""
        ticket = new_id()
        await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1))
        await wait_until_parked(1)

        await sample.listeners.handle(new_event(TicketCreated, id=ticket), new_id())
        await served.bus.wait_until_handled(sample.listeners)

        copy = await Copy.find_one()
        assert copy is not None
        assert copy.version == 1

    async def test_two_processes_handle_parked_events_once_and_in_order(
        self, environment: TestEnvironment, create_app: CreateApp, sample: SampleListeners
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
        self, served: RunningService, sample: SampleListeners, no_sweep: None
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
        self, served: RunningService, sample: SampleListeners, quick_sweep: None
    ) -> None:
        event = new_event(TicketUpdated, version=1)
        await served.bus.publish(event)
        await wait_until_parked(1)
        await sample.listeners.handle(new_event(TicketCreated, id=event.id), new_id())
        await sample.listeners.handle(event, new_id())

        await wait_until_parked(0)

        assert len([call for call in sample.calls if isinstance(call, TicketUpdated)]) == 1

    async def test_replayed_event_stays_a_replay(
        self, served: RunningService, sample: SampleListeners, no_sweep: None
    ) -> None:
        replays = []
        wait = waiting_for_item(sample)

        async def note(event: object) -> None:
            await wait(event)
            replays.append((type(event), is_replay()))

        sample.hook = note
        order = new_id()
        event = new_event(OrderCancelled, id=order, version=1)
        headers = {"ce-id": new_id(), REPLAY_HEADER: "true"}
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


class TestEnd:
    async def test_event_becomes_a_dead_letter_after_its_wait(
        self,
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
        self,
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
        self,
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
        self,
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
        self, served: RunningService, sample: SampleListeners, no_sweep: None
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
        self, served: RunningService, sample: SampleListeners, no_sweep: None
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
        self,
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
        self, served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def wait(_: object) -> None:
            raise RetryLater("the user is unknown")

        monkeypatch.setattr(parking, "WAITING_BACKOFF", Backoff(3600, 3600))
        sample.hook = wait
        await served.bus.publish(new_event(UserForgotPassword))
        [row] = await wait_until_parked(1)

        assert row["next_attempt_at"] == row["delete_at"]


class TestBounds:
    async def test_too_many_parked_events_are_redelivered(
        self,
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
        self,
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
        self,
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
        self, served: RunningService, sample: SampleListeners, quick_sweep: None
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
