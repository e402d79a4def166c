import asyncio

import pytest
from common.tests.workshop import Replica, Thing, Workshop

from ticketing_common.errors import Unavailable
from ticketing_common.events import (
    OrderCancelled,
    OrderCreated,
    UserForgotPassword,
)
from ticketing_common.messaging import consumer
from ticketing_common.messaging.listeners import Listeners, Reject, RetryLater
from ticketing_common.messaging.streams import provision, streams
from ticketing_testing import Bus, Served, World, an_event, an_id, eventually, serving


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer tries, so that an event is given up in moments."""
    monkeypatch.setattr(consumer, "TRIES", 3)


async def fail(_: object) -> None:
    raise RuntimeError("the handler broke")


class TestOneEvent:
    async def test_has_its_effect(self, served: Served, workshop: Workshop) -> None:
        event = an_event(OrderCreated)

        await served.bus.say(event)
        await served.bus.settled(workshop.listeners)

        assert await Thing.find({"title": event.id}).count() == 1

    async def test_has_its_effect_once_however_often_it_is_delivered(
        self, served: Served, workshop: Workshop
    ) -> None:
        event = an_event(OrderCreated)
        event_id = await served.bus.say(event)

        for _ in range(3):
            await served.bus.say(event, id=event_id, again=True)
        await served.bus.settled(workshop.listeners)

        assert await Thing.count() == 1
        assert len(workshop.calls) == 1

    async def test_has_its_effect_once_with_two_processes_at_work(
        self, world: World, replica: Replica, workshop: Workshop
    ) -> None:
        async with world.serving(replica()) as served, serving(replica(), served.bus):
            await served.bus.say(*(an_event(OrderCreated) for _ in range(30)))
            await served.bus.settled(workshop.listeners)

            assert await Thing.count() == 30

    async def test_that_fails_is_tried_again_and_leaves_nothing_of_the_failure(
        self, served: Served, workshop: Workshop
    ) -> None:
        async def fail_once(_: object) -> None:
            if len(workshop.calls) == 1:
                await Thing(title="half done", user_id=an_id()).insert()
                raise RuntimeError

        workshop.hook = fail_once

        await served.bus.say(an_event(OrderCreated))
        await served.bus.settled(workshop.listeners)

        assert len(workshop.calls) == 2
        assert await Thing.count() == 1
        assert await served.bus.dead_letters() == []

    async def test_that_always_fails_is_a_dead_letter_with_its_cause(
        self, served: Served, workshop: Workshop
    ) -> None:
        workshop.hook = fail
        event = an_event(OrderCreated)

        event_id = await served.bus.say(event)
        [letter] = await served.bus.dead_letters(1)

        headers = letter.headers or {}
        assert headers["Dead-Letter-Listener"] == "workshop.count"
        assert headers["Dead-Letter-Subject"] == "order.created"
        assert headers["Dead-Letter-Attempts"] == "3"
        assert "the handler broke" in headers["Dead-Letter-Cause"]
        assert headers["ce-id"] == event_id
        assert letter.subject == "dead-letter.workshop.order.created"
        assert OrderCreated.model_validate_json(letter.data) == event
        await served.bus.settled(workshop.listeners)

    async def test_that_is_rejected_is_a_dead_letter_at_once(
        self, served: Served, workshop: Workshop
    ) -> None:
        async def reject(_: object) -> None:
            raise Reject("there is no such order")

        workshop.hook = reject

        await served.bus.say(an_event(OrderCreated))
        [letter] = await served.bus.dead_letters(1)

        assert (letter.headers or {})["Dead-Letter-Cause"] == "there is no such order"
        assert len(workshop.calls) == 1

    async def test_that_finds_a_part_away_is_no_dead_letter_however_long_it_takes(
        self, served: Served, workshop: Workshop
    ) -> None:
        async def away(_: object) -> None:
            if len(workshop.calls) < 6:
                raise Unavailable

        workshop.hook = away

        await served.bus.say(an_event(OrderCreated))
        await served.bus.settled(workshop.listeners)

        assert len(workshop.calls) == 6
        assert await served.bus.dead_letters() == []

    async def test_that_waits_for_another_too_long_is_a_dead_letter(
        self, served: Served, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def wait(_: object) -> None:
            raise RetryLater("nothing came")

        monkeypatch.setattr(consumer, "PATIENCE_SECONDS", 0.2)
        workshop.hook = wait

        await served.bus.say(an_event(OrderCreated))
        [letter] = await served.bus.dead_letters(1)

        assert (letter.headers or {})["Dead-Letter-Cause"] == "nothing came"

    async def test_waits_for_another_no_shorter_because_a_part_was_away_before(
        self, served: Served, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After long hours without MongoDB, what is delivered first may be the later one."""

        async def away_then_early(_: object) -> None:
            if len(workshop.calls) < 4:
                raise Unavailable
            if len(workshop.calls) == 4:
                raise RetryLater("what comes before was away as long")

        monkeypatch.setattr(consumer, "PATIENCE_SECONDS", 0.5)
        workshop.hook = away_then_early

        await served.bus.say(an_event(OrderCreated))
        await served.bus.settled(workshop.listeners)

        assert len(workshop.calls) == 5
        assert await served.bus.dead_letters() == []

    async def test_that_hangs_counts_as_a_failure(
        self, served: Served, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(_: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(consumer, "HANDLER_SECONDS", 0.1)
        workshop.hook = hang

        await served.bus.say(an_event(OrderCreated))
        [letter] = await served.bus.dead_letters(1)

        assert "TimeoutError" in (letter.headers or {})["Dead-Letter-Cause"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": 1}', b"\xff\x00"])
    async def test_that_cannot_be_read_is_a_dead_letter_and_holds_up_no_other(
        self, served: Served, workshop: Workshop, body: bytes
    ) -> None:
        await served.bus.say_raw(OrderCreated, body)
        await served.bus.say(an_event(OrderCreated))
        [letter] = await served.bus.dead_letters(1)
        await served.bus.settled(workshop.listeners)

        assert letter.data == body
        assert (letter.headers or {})["Dead-Letter-Cause"].startswith("Not a OrderCreated")
        assert await Thing.count() == 1

    async def test_without_an_id_is_a_dead_letter(self, served: Served) -> None:
        await served.bus.js.publish("order.created", b"{}")

        [letter] = await served.bus.dead_letters(1)

        assert (letter.headers or {})["Dead-Letter-Cause"] == "The message has no ce-id header"


async def test_many_events_are_handled_side_by_side_but_only_so_many(
    served: Served, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = most = 0
    all_there = asyncio.Event()

    async def slow(_: object) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == consumer.AT_ONCE:
            all_there.set()
        await all_there.wait()
        await asyncio.sleep(0.02)
        at_once -= 1

    workshop.hook = slow

    await served.bus.say(*(an_event(OrderCreated) for _ in range(60)))
    await served.bus.settled(workshop.listeners)

    assert most == consumer.AT_ONCE


async def test_two_events_of_one_document_wait_for_one_another(
    served: Served, workshop: Workshop
) -> None:
    order = an_id()
    begun: list[type] = []
    ended: list[type] = []

    async def slow(event: object) -> None:
        begun.append(type(event))
        await asyncio.sleep(0.05)
        ended.append(type(event))

    workshop.hook = slow

    await served.bus.say(
        an_event(OrderCreated, id=order), an_event(OrderCancelled, id=order, version=1)
    )
    await served.bus.settled(workshop.listeners)

    assert begun == ended == [OrderCreated, OrderCancelled]


async def test_an_event_that_a_crash_interrupted_between_commit_and_ack_is_not_done_again(
    served: Served, workshop: Workshop
) -> None:
    event = an_event(OrderCreated)
    event_id = an_id()
    await workshop.listeners.deliver(event, event_id)  # committed, never acknowledged

    await served.bus.say(event, id=event_id)
    await served.bus.settled(workshop.listeners)

    assert await Thing.count() == 1


async def test_an_older_version_takes_no_subject_away_from_a_newer_one(
    served: Served, workshop: Workshop
) -> None:
    """During a rolling update, where the older one's tie to the bus is made anew."""
    older = Listeners("workshop")
    older.on(OrderCreated)(workshop.count)
    await provision(served.bus.js, older)
    cancelled, created = an_event(OrderCancelled), an_event(OrderCreated)

    await served.bus.say(cancelled, created)
    await served.bus.settled(workshop.listeners)

    assert {thing.title for thing in await Thing.find_all().to_list()} == {cancelled.id, created.id}


async def test_the_one_event_with_a_secret_is_kept_no_longer_than_the_secret_lives() -> None:
    stream = next(s for s in streams() if s.subjects == ["user.forgot-password"])
    assert stream.max_age == UserForgotPassword.max_age.total_seconds() == 900


async def test_a_dead_letter_with_a_secret_lives_no_longer_than_the_secret_may(
    served: Served, workshop: Workshop
) -> None:
    workshop.hook = fail

    await served.bus.say(an_event(UserForgotPassword))
    [letter] = await served.bus.dead_letters(1)

    assert (letter.headers or {})["Nats-TTL"] == "900s"


async def test_a_service_listens_to_an_event_once() -> None:
    listeners = Listeners("x")
    listeners.on(OrderCreated)(fail)

    with pytest.raises(TypeError, match="already listens"):
        listeners.on(OrderCreated)(fail)


async def test_events_wait_in_the_broker_while_the_service_is_down(
    world: World, replica: Replica, workshop: Workshop
) -> None:
    async with world.serving(replica()) as served:
        pass
    async with world.serving(replica()) as served:
        await served.bus.settled(workshop.listeners)
    async with Bus.open(world.nats_url) as bus:
        await bus.say(*(an_event(OrderCreated) for _ in range(3)))
    async with world.serving(replica()):
        assert await eventually(lambda: _count_is(3))


async def _count_is(wanted: int) -> bool:
    return await Thing.count() == wanted
