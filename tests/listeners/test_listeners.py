"""Every listener of every service, with everything that can happen to its event.

The listeners are read off the subscription lists; what each needs for it stands in cases.py.
"""

from collections import Counter

import pytest
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from tests.listeners.cases import CASES, case_of
from tests.listeners.conftest import Serve
from tests.listeners.effects import effects, outcome
from tests.listeners.services import LISTENERS, LISTS, name_of

from ticketing_common.messaging.listeners import Listener
from ticketing_common.messaging.streams import stream_of
from ticketing_testing import TestEnvironment, eventually

UNREADABLE = (b"{", b"\xff\x00", b"null", b'{"id": 1, "orderId": 1}')

every_listener = pytest.mark.parametrize("listener", LISTENERS, ids=name_of)


def those_with(what: str) -> pytest.MarkDecorator:
    """Every listener whose case has that; one without a row stays, to fail."""
    chosen = [
        listener
        for listener in LISTENERS
        if listener.event.__name__ not in CASES.get(listener.service, {})
        or getattr(case_of(listener), what)
    ]
    return pytest.mark.parametrize("listener", chosen, ids=name_of)


@every_listener
async def test_an_event_that_comes_twice_has_its_effect_once(
    listener: Listener, environment: TestEnvironment, serve: Serve
) -> None:
    case, listeners = case_of(listener), LISTS[listener.service]
    async with serve(listener.service, environment, case.given) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        before = await effects(environment, bus, listener.service)
        event_id = await bus.publish(case.event)
        await bus.wait_until_handled(listeners)
        once = await effects(environment, bus, listener.service)

        await bus.publish(case.event, id=event_id, bypass_deduplication=True)
        await bus.publish(case.event, id=event_id, bypass_deduplication=True)
        await bus.wait_until_handled(listeners)

        assert await effects(environment, bus, listener.service) == once
        assert await bus.dead_letters() == []
        if listener.service != "expiration" or case.after:
            assert once != before, "it has no effect at all: is the case what the listener needs?"


@every_listener
async def test_an_event_whose_acknowledgement_is_lost_has_its_effect_once(
    listener: Listener, environment: TestEnvironment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, listeners = case_of(listener), LISTS[listener.service]
    acknowledge, tried = Msg.ack, 0

    async def lose_the_first(message: Msg) -> None:
        nonlocal tried
        if message.subject == case.event.subject:
            tried += 1
            if tried == 1:
                raise ConnectionClosedError
        await acknowledge(message)

    async def committed() -> bool:
        return tried >= 1

    async with serve(listener.service, environment, case.given) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        monkeypatch.setattr(Msg, "ack", lose_the_first)

        await bus.publish(case.event)
        await eventually(committed)
        once = await effects(environment, bus, listener.service)
        await bus.wait_until_handled(listeners)

        assert tried >= 2  # it comes once more than the broker waits for an answer to
        assert await effects(environment, bus, listener.service) == once
        assert await bus.dead_letters() == []


@those_with("after")
async def test_an_event_that_is_overtaken_by_what_follows_it_ends_where_it_would_have(
    listener: Listener,
    environment: TestEnvironment,
    other_environment: TestEnvironment,
    serve: Serve,
) -> None:
    case, listeners = case_of(listener), LISTS[listener.service]
    assert case.after is not None
    for where, told in (
        (environment, [case.event, case.after]),
        (other_environment, [case.after, case.event]),
    ):
        async with serve(listener.service, where, case.given) as bus:
            await bus.publish(*case.before)
            await bus.wait_until_handled(listeners)
            await bus.publish(*told)
            await bus.wait_until_handled(listeners)
            assert await bus.dead_letters() == []

    if not case.late:
        service = listener.service
        assert await outcome(other_environment, service) == await outcome(environment, service)


@those_with("before")
async def test_an_event_waits_for_what_must_come_before_it(
    listener: Listener,
    environment: TestEnvironment,
    other_environment: TestEnvironment,
    serve: Serve,
) -> None:
    case, listeners, service = case_of(listener), LISTS[listener.service], listener.service
    async with serve(service, environment, case.given) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        await bus.publish(case.event)
        await bus.wait_until_handled(listeners)

    async with serve(service, other_environment, case.given) as bus:
        nothing = await outcome(other_environment, service)
        await bus.publish(case.event)

        async def has_come_again() -> bool:
            info = await bus.js.consumer_info(stream_of(listener.event), service)
            return (info.num_ack_pending, info.num_redelivered) == (1, 1)

        assert await eventually(has_come_again)
        assert await outcome(other_environment, service) == nothing

        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        assert await bus.dead_letters() == []

    assert await outcome(other_environment, service) == await outcome(environment, service)


@pytest.mark.parametrize("service", LISTS)
async def test_what_cannot_be_read_is_a_dead_letter_of_its_listener_and_holds_up_nothing(
    service: str, environment: TestEnvironment, serve: Serve
) -> None:
    async with serve(service, environment) as bus:
        nothing = await effects(environment, bus, service)
        for listener in LISTS[service]:
            for body in UNREADABLE:
                await bus.publish_raw(listener.event, body)
        letters = await bus.dead_letters(len(UNREADABLE) * len(list(LISTS[service])))
        await bus.wait_until_handled(LISTS[service])  # nothing is left behind the last of them
        assert await effects(environment, bus, service) == nothing

    died = Counter((each.subject, (each.headers or {})["Dead-Letter-Listener"]) for each in letters)
    assert died == {
        (f"dead-letter.{service}.{listener.event.subject}", listener.name): len(UNREADABLE)
        for listener in LISTS[service]
    }


def test_every_listener_has_a_case_and_every_case_a_listener() -> None:
    for listener in LISTENERS:
        case_of(listener)
    rows = {(service, event) for service, row in CASES.items() for event in row}
    assert rows == {(each.service, each.event.__name__) for each in LISTENERS}


def test_whoever_follows_the_versions_of_a_document_is_tried_with_a_gap() -> None:
    for listener in LISTENERS:
        case = case_of(listener)
        if listener.replica is not None and getattr(case.event, "version", 0) > 0:
            assert case.before, f"{name_of(listener)}: what comes before its version?"
