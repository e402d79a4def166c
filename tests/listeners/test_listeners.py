"""Every listener of every service, with duplicated, early, late, interrupted and invalid events.

The listeners come from the services' own lists, the events from cases.py.
"""

from collections import Counter

import pytest
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from tests.listeners.cases import CASES, case_of
from tests.listeners.conftest import Serve
from tests.listeners.effects import effects, outcome
from tests.listeners.services import LISTENERS, LISTENERS_OF, name_of

from ticketing_common.messaging.consuming import parking
from ticketing_common.messaging.listeners import Listener
from ticketing_common.messaging.streams import stream_of
from ticketing_common.persistence import parked_events
from ticketing_testing import TestEnvironment, eventually
from ticketing_testing.timeouts import TIMEOUT_SECONDS

INVALID_BODIES = (b"{", b"\xff\x00", b"null", b'{"id": 1, "orderId": 1}')

each_listener = pytest.mark.parametrize("listener", LISTENERS, ids=name_of)


def each_listener_with(field: str) -> pytest.MarkDecorator:
    """Parametrize with the listeners whose case has the field, and those without a case."""
    chosen = [
        listener
        for listener in LISTENERS
        if listener.event.__name__ not in CASES.get(listener.service, {})
        or getattr(case_of(listener), field)
    ]
    return pytest.mark.parametrize("listener", chosen, ids=name_of)


@each_listener
async def test_listener_handles_duplicate_once(
    listener: Listener, environment: TestEnvironment, serve: Serve
) -> None:
    case, listeners = case_of(listener), LISTENERS_OF[listener.service]
    async with serve(listener.service, environment, case.documents) as bus:
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
            assert once != before, "no effect: does the case have what the listener needs?"


@each_listener
async def test_listener_handles_event_with_lost_acknowledgement_once(
    listener: Listener, environment: TestEnvironment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, listeners = case_of(listener), LISTENERS_OF[listener.service]
    acknowledge, attempts = Msg.ack, 0

    async def lose_first(message: Msg) -> None:
        nonlocal attempts
        if message.subject == case.event.subject:
            attempts += 1
            if attempts == 1:
                raise ConnectionClosedError
        await acknowledge(message)

    async def is_committed() -> bool:
        return attempts >= 1

    async with serve(listener.service, environment, case.documents) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        monkeypatch.setattr(Msg, "ack", lose_first)

        await bus.publish(case.event)
        await eventually(is_committed)
        once = await effects(environment, bus, listener.service)
        await bus.wait_until_handled(listeners)

        assert attempts >= 2
        assert await effects(environment, bus, listener.service) == once
        assert await bus.dead_letters() == []


@each_listener_with("after")
async def test_listener_has_same_effects_if_next_event_overtakes(
    listener: Listener,
    environment: TestEnvironment,
    other_environment: TestEnvironment,
    serve: Serve,
) -> None:
    case, listeners = case_of(listener), LISTENERS_OF[listener.service]
    assert case.after is not None
    for where, events in (
        (environment, [case.event, case.after]),
        (other_environment, [case.after, case.event]),
    ):
        async with serve(listener.service, where, case.documents) as bus:
            await bus.publish(*case.before)
            await bus.wait_until_handled(listeners)
            await bus.publish(*events)
            await bus.wait_until_handled(listeners)
            assert await bus.dead_letters() == []

    if not case.late:
        service = listener.service
        assert await outcome(other_environment, service) == await outcome(environment, service)


@each_listener_with("before")
async def test_listener_waits_for_preceding_events(
    listener: Listener,
    environment: TestEnvironment,
    other_environment: TestEnvironment,
    serve: Serve,
) -> None:
    case, service = case_of(listener), listener.service
    listeners = LISTENERS_OF[service]
    async with serve(service, environment, case.documents) as bus:
        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        await bus.publish(case.event)
        await bus.wait_until_handled(listeners)

    async with serve(service, other_environment, case.documents) as bus:
        nothing = await outcome(other_environment, service)
        await bus.publish(case.event)

        async def is_parked() -> bool:
            info = await bus.js.consumer_info(stream_of(listener.event), service)
            return info.num_ack_pending == 0 and await parked_events.count() == 1

        assert await eventually(is_parked)
        assert await outcome(other_environment, service) == nothing

        await bus.publish(*case.before)
        await bus.wait_until_handled(listeners)
        assert await bus.dead_letters() == []

    assert await outcome(other_environment, service) == await outcome(environment, service)


@each_listener_with("before")
async def test_parked_event_is_handled_with_its_predecessor(
    listener: Listener, environment: TestEnvironment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The predecessor triggers it, without a sweep, also if it is delivered twice."""
    monkeypatch.setattr(parking, "SWEEP_SECONDS", TIMEOUT_SECONDS)
    case, service = case_of(listener), listener.service
    async with serve(service, environment, case.documents) as bus:
        event_id = await bus.publish(case.event)
        await bus.publish(case.event, id=event_id, bypass_deduplication=True)

        async def is_parked() -> bool:
            return await parked_events.count() == 1

        assert await eventually(is_parked)

        await bus.publish(*case.before)
        await bus.wait_until_handled(LISTENERS_OF[service])
        once = await effects(environment, bus, service)
        await bus.publish(case.event, id=event_id, bypass_deduplication=True)
        await bus.wait_until_handled(LISTENERS_OF[service])

        assert await effects(environment, bus, service) == once
        assert await bus.dead_letters() == []


@pytest.mark.parametrize("service", LISTENERS_OF)
async def test_listeners_dead_letter_invalid_messages_and_continue(
    service: str, environment: TestEnvironment, serve: Serve
) -> None:
    listeners = LISTENERS_OF[service]
    async with serve(service, environment) as bus:
        nothing = await effects(environment, bus, service)
        for listener in listeners:
            for body in INVALID_BODIES:
                await bus.publish_raw(listener.event, body)
        dead_letters = await bus.dead_letters(len(INVALID_BODIES) * len(list(listeners)))
        await bus.wait_until_handled(listeners)
        assert await effects(environment, bus, service) == nothing

    counts = Counter(
        (each.subject, (each.headers or {})["Dead-Letter-Listener"]) for each in dead_letters
    )
    assert counts == {
        (f"dead-letter.{service}.{listener.event.subject}", listener.name): len(INVALID_BODIES)
        for listener in listeners
    }


def test_cases_match_listeners() -> None:
    for listener in LISTENERS:
        case_of(listener)
    rows = {(service, event) for service, row in CASES.items() for event in row}
    assert rows == {(each.service, each.event.__name__) for each in LISTENERS}


def test_cases_of_copies_have_preceding_events() -> None:
    for listener in LISTENERS:
        case = case_of(listener)
        if listener.copy is not None and getattr(case.event, "version", 0) > 0:
            assert case.before, f"{name_of(listener)}: which events precede its version?"
