import pytest
from common.tests.workshop import Thing, Workshop

from ticketing_common.events import OrderCreated
from ticketing_common.messaging import consumer
from ticketing_common.messaging.listeners import Listeners, Reject, is_replay
from ticketing_common.messaging.replay import REPLAY_HEADER, publish_replay
from ticketing_common.messaging.streams import consumers
from ticketing_testing import Served, an_event, an_id


async def tell(served: Served, event: OrderCreated, service: str = "workshop", **marks: str) -> str:
    event_id, body = an_id(), event.model_dump_json(by_alias=True).encode()
    headers = {"ce-id": event_id, **marks}
    await publish_replay(served.bus.js, service, event.subject, body, headers, id=an_id())
    return event_id


async def test_an_event_told_again_to_a_service_has_its_effect_there(
    served: Served, workshop: Workshop
) -> None:
    event = an_event(OrderCreated)

    await tell(served, event)
    await served.bus.settled(workshop.listeners)

    assert await Thing.find({"title": event.id}).count() == 1


async def test_an_event_told_again_to_another_service_is_not_heard_here(
    served: Served, workshop: Workshop
) -> None:
    await tell(served, an_event(OrderCreated), service="another")
    await tell(served, an_event(OrderCreated))
    await served.bus.settled(workshop.listeners)

    assert await Thing.count() == 1


async def test_a_handler_can_tell_a_replay_from_an_event_that_is_tried_again(
    served: Served, workshop: Workshop
) -> None:
    replays = []

    async def note(_: object) -> None:
        replays.append(is_replay())

    workshop.hook = note

    await tell(served, an_event(OrderCreated))
    await served.bus.settled(workshop.listeners)
    await tell(served, an_event(OrderCreated), **{REPLAY_HEADER: "true"})
    await served.bus.settled(workshop.listeners)

    assert replays == [False, True]
    assert not is_replay()


async def test_an_event_told_again_that_fails_again_is_a_dead_letter_like_the_first(
    served: Served, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reject(_: object) -> None:
        raise Reject("there is no such order")

    monkeypatch.setattr(consumer, "TRIES", 1)
    workshop.hook = reject

    event_id = await tell(served, an_event(OrderCreated))
    [letter] = await served.bus.dead_letters(1)

    headers = letter.headers or {}
    assert letter.subject == "dead-letter.workshop.order.created"
    assert headers["Dead-Letter-Subject"] == "order.created"
    assert headers["Dead-Letter-Listener"] == "workshop.count"
    assert headers["ce-id"] == event_id


async def test_who_listens_to_nothing_is_told_nothing_again(served: Served) -> None:
    assert consumers(Listeners("silent")) == {}
