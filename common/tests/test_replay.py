import pytest
from common.tests.sample_service import Item, SampleListeners

from ticketing_common.events import OrderCreated
from ticketing_common.messaging.consuming import delivery
from ticketing_common.messaging.listeners import Listeners, Reject, is_replay
from ticketing_common.messaging.replay import REPLAY_HEADER, publish_replay
from ticketing_common.messaging.streams import consumers
from ticketing_testing import RunningService, new_event, new_id


async def replay(
    served: RunningService, event: OrderCreated, service: str = "sample", **marks: str
) -> str:
    event_id, body = new_id(), event.model_dump_json(by_alias=True).encode()
    headers = {"ce-id": event_id, "ce-source": f"/{event.producer}", **marks}
    await publish_replay(served.bus.js, service, event.subject, body, headers, id=new_id())
    return event_id


async def test_replay_is_handled_by_the_service(
    served: RunningService, sample: SampleListeners
) -> None:
    event = new_event(OrderCreated)

    await replay(served, event)
    await served.bus.wait_until_handled(sample.listeners)

    assert await Item.find({"title": event.id}).count() == 1


async def test_replay_for_another_service_is_not_received(
    served: RunningService, sample: SampleListeners
) -> None:
    await replay(served, new_event(OrderCreated), service="another")
    await replay(served, new_event(OrderCreated))
    await served.bus.wait_until_handled(sample.listeners)

    assert await Item.count() == 1


async def test_is_replay_distinguishes_replay_and_retry(
    served: RunningService, sample: SampleListeners
) -> None:
    replays = []

    async def note(_: object) -> None:
        replays.append(is_replay())

    sample.hook = note

    await replay(served, new_event(OrderCreated))
    await served.bus.wait_until_handled(sample.listeners)
    await replay(served, new_event(OrderCreated), **{REPLAY_HEADER: "true"})
    await served.bus.wait_until_handled(sample.listeners)

    assert replays == [False, True]
    assert not is_replay()


async def test_replay_that_fails_becomes_a_dead_letter(
    served: RunningService, sample: SampleListeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reject(_: object) -> None:
        raise Reject("there is no such order")

    monkeypatch.setattr(delivery, "MAX_FAILURES", 1)
    sample.hook = reject

    event_id = await replay(served, new_event(OrderCreated))
    [dead_letter] = await served.bus.dead_letters(1)

    headers = dead_letter.headers or {}
    assert dead_letter.subject == "dead-letter.sample.order.created"
    assert headers["Dead-Letter-Subject"] == "order.created"
    assert headers["Dead-Letter-Listener"] == "sample.insert_item"
    assert headers["ce-id"] == event_id


async def test_service_without_listeners_has_no_consumers(served: RunningService) -> None:
    assert consumers(Listeners("silent")) == {}
