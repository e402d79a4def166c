import asyncio
from datetime import timedelta

import pytest
from common.tests.sample_service import CreateApp, Item, SampleListeners

from ticketing_common.errors import Unavailable
from ticketing_common.events import (
    OrderCancelled,
    OrderCreated,
    UserForgotPassword,
)
from ticketing_common.messaging.consuming import consumer, delivery
from ticketing_common.messaging.listeners import Listeners, Reject, RetryLater
from ticketing_common.messaging.streams import streams
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    serve_app,
)


@pytest.fixture(autouse=True)
def few_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer failures make a dead letter, so that tests are quick."""
    monkeypatch.setattr(delivery, "MAX_FAILURES", 3)


async def fail(_: object) -> None:
    raise RuntimeError("the handler broke")


class TestOneEvent:
    async def test_handler_runs(self, served: RunningService, sample: SampleListeners) -> None:
        event = new_event(OrderCreated)

        await served.bus.publish(event)
        await served.bus.wait_until_handled(sample.listeners)

        assert await Item.find({"title": event.id}).count() == 1

    async def test_duplicate_delivery_is_handled_once(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        event = new_event(OrderCreated)
        event_id = await served.bus.publish(event)

        for _ in range(3):
            await served.bus.publish(event, id=event_id, bypass_deduplication=True)
        await served.bus.wait_until_handled(sample.listeners)

        assert await Item.count() == 1
        assert len(sample.calls) == 1

    async def test_two_processes_handle_each_event_once(
        self, environment: TestEnvironment, create_app: CreateApp, sample: SampleListeners
    ) -> None:
        async with environment.serve(create_app()) as served, serve_app(create_app(), served.bus):
            await served.bus.publish(*(new_event(OrderCreated) for _ in range(30)))
            await served.bus.wait_until_handled(sample.listeners)

            assert await Item.count() == 30

    async def test_failure_is_rolled_back_and_retried(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        async def fail_once(_: object) -> None:
            if len(sample.calls) == 1:
                await Item(title="half done", user_id=new_id()).insert()
                raise RuntimeError

        sample.hook = fail_once

        await served.bus.publish(new_event(OrderCreated))
        await served.bus.wait_until_handled(sample.listeners)

        assert len(sample.calls) == 2
        assert await Item.count() == 1
        assert await served.bus.dead_letters() == []

    async def test_repeated_failure_becomes_a_dead_letter(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        sample.hook = fail
        event = new_event(OrderCreated)

        event_id = await served.bus.publish(event)
        [dead_letter] = await served.bus.dead_letters(1)

        headers = dead_letter.headers or {}
        assert headers["Dead-Letter-Listener"] == "sample.insert_item"
        assert headers["Dead-Letter-Subject"] == "order.created"
        assert headers["Dead-Letter-Attempts"] == "3"
        assert "the handler broke" in headers["Dead-Letter-Cause"]
        assert headers["ce-id"] == event_id
        assert dead_letter.subject == "dead-letter.sample.order.created"
        assert OrderCreated.model_validate_json(dead_letter.data) == event
        await served.bus.wait_until_handled(sample.listeners)

    async def test_rejected_event_becomes_a_dead_letter_at_once(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        async def reject(_: object) -> None:
            raise Reject("there is no such order")

        sample.hook = reject

        await served.bus.publish(new_event(OrderCreated))
        [dead_letter] = await served.bus.dead_letters(1)

        assert (dead_letter.headers or {})["Dead-Letter-Cause"] == "there is no such order"
        assert len(sample.calls) == 1

    async def test_unavailable_store_never_makes_a_dead_letter(
        self, served: RunningService, sample: SampleListeners
    ) -> None:
        async def away(_: object) -> None:
            if len(sample.calls) < 6:
                raise Unavailable

        sample.hook = away

        await served.bus.publish(new_event(OrderCreated))
        await served.bus.wait_until_handled(sample.listeners)

        assert len(sample.calls) == 6
        assert await served.bus.dead_letters() == []

    async def test_out_of_order_event_becomes_a_dead_letter_after_its_wait(
        self, served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def wait(_: object) -> None:
            raise RetryLater("nothing came")

        monkeypatch.setattr(delivery, "MAX_WAIT", timedelta(seconds=0.2))
        sample.hook = wait

        await served.bus.publish(new_event(OrderCreated))
        [dead_letter] = await served.bus.dead_letters(1)

        assert (dead_letter.headers or {})["Dead-Letter-Cause"] == "nothing came"

    async def test_unavailable_store_restarts_the_wait(
        self, served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After an outage of MongoDB, the later event may be delivered first."""

        async def away_then_early(_: object) -> None:
            if len(sample.calls) < 4:
                raise Unavailable
            if len(sample.calls) == 4:
                raise RetryLater("what comes before was away as long")

        monkeypatch.setattr(delivery, "MAX_WAIT", timedelta(seconds=0.5))
        sample.hook = away_then_early

        await served.bus.publish(new_event(OrderCreated))
        await served.bus.wait_until_handled(sample.listeners)

        assert len(sample.calls) == 5
        assert await served.bus.dead_letters() == []

    async def test_handler_timeout_counts_as_a_failure(
        self, served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(_: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(delivery, "HANDLER_TIMEOUT_SECONDS", 0.1)
        sample.hook = hang

        await served.bus.publish(new_event(OrderCreated))
        [dead_letter] = await served.bus.dead_letters(1)

        assert "TimeoutError" in (dead_letter.headers or {})["Dead-Letter-Cause"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": 1}', b"\xff\x00"])
    async def test_invalid_message_becomes_a_dead_letter(
        self, served: RunningService, sample: SampleListeners, body: bytes
    ) -> None:
        await served.bus.publish_raw(OrderCreated, body)
        await served.bus.publish(new_event(OrderCreated))
        [dead_letter] = await served.bus.dead_letters(1)
        await served.bus.wait_until_handled(sample.listeners)

        assert dead_letter.data == body
        assert (dead_letter.headers or {})["Dead-Letter-Cause"].startswith("Invalid OrderCreated")
        assert await Item.count() == 1

    async def test_message_without_id_becomes_a_dead_letter(self, served: RunningService) -> None:
        await served.bus.js.publish("order.created", b"{}")

        [dead_letter] = await served.bus.dead_letters(1)

        assert (dead_letter.headers or {})["Dead-Letter-Cause"] == "The message has no ce-id header"


async def test_consumer_limits_concurrent_events(
    served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = most = 0
    all_there = asyncio.Event()

    async def slow(_: object) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == consumer.MAX_CONCURRENT_EVENTS:
            all_there.set()
        await all_there.wait()
        await asyncio.sleep(0.02)
        at_once -= 1

    sample.hook = slow

    await served.bus.publish(*(new_event(OrderCreated) for _ in range(60)))
    await served.bus.wait_until_handled(sample.listeners)

    assert most == consumer.MAX_CONCURRENT_EVENTS


async def test_events_of_one_aggregate_are_handled_in_sequence(
    served: RunningService, sample: SampleListeners
) -> None:
    order = new_id()
    begun: list[type] = []
    ended: list[type] = []

    async def slow(event: object) -> None:
        begun.append(type(event))
        await asyncio.sleep(0.05)
        ended.append(type(event))

    sample.hook = slow

    await served.bus.publish(
        new_event(OrderCreated, id=order), new_event(OrderCancelled, id=order, version=1)
    )
    await served.bus.wait_until_handled(sample.listeners)

    assert begun == ended == [OrderCreated, OrderCancelled]


async def test_crash_between_commit_and_ack_repeats_nothing(
    served: RunningService, sample: SampleListeners
) -> None:
    event = new_event(OrderCreated)
    event_id = new_id()
    await sample.listeners.handle(event, event_id)  # committed, never acknowledged

    await served.bus.publish(event, id=event_id)
    await served.bus.wait_until_handled(sample.listeners)

    assert await Item.count() == 1


async def test_provision_by_an_older_release_keeps_new_subjects(
    served: RunningService, sample: SampleListeners
) -> None:
    """During a rolling update, an older process may reconnect and provision again."""
    older = Listeners("sample")
    older.on(OrderCreated)(sample.insert_item)
    await served.bus.provision(older)
    cancelled, created = new_event(OrderCancelled), new_event(OrderCreated)

    await served.bus.publish(cancelled, created)
    await served.bus.wait_until_handled(sample.listeners)

    assert {item.title for item in await Item.find_all().to_list()} == {cancelled.id, created.id}


async def test_stream_of_a_secret_has_its_max_age() -> None:
    stream = next(s for s in streams() if s.subjects == ["user.forgot-password"])
    assert stream.max_age == UserForgotPassword.max_age.total_seconds() == 900


async def test_dead_letter_of_a_secret_has_its_max_age(
    served: RunningService, sample: SampleListeners
) -> None:
    sample.hook = fail

    await served.bus.publish(new_event(UserForgotPassword))
    [dead_letter] = await served.bus.dead_letters(1)

    assert (dead_letter.headers or {})["Nats-TTL"] == "900s"


async def test_listeners_refuse_a_second_handler() -> None:
    listeners = Listeners("x")
    listeners.on(OrderCreated)(fail)

    with pytest.raises(TypeError, match="already listens"):
        listeners.on(OrderCreated)(fail)


async def test_events_are_kept_while_the_service_is_down(
    environment: TestEnvironment, create_app: CreateApp, sample: SampleListeners
) -> None:
    async with environment.serve(create_app()) as served:
        pass
    async with environment.serve(create_app()) as served:
        await served.bus.wait_until_handled(sample.listeners)
    async with Bus.open(environment.nats_url) as bus:
        await bus.publish(*(new_event(OrderCreated) for _ in range(3)))
    async with environment.serve(create_app()):
        assert await eventually(lambda: _count_is(3))


async def _count_is(wanted: int) -> bool:
    return await Item.count() == wanted
