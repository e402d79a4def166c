"""`ticketing dead-letters`."""

import json
from typing import Any

from ops.tests.events.conftest import Command, FailingService, ListDeadLetters

from ticketing_common.events import OrderCreated, TicketCreated, UserForgotPassword
from ticketing_testing import Bus, RunningService, eventually, new_event


async def publish_failing(
    served: RunningService, service: FailingService, *events: Any
) -> list[str]:
    """Publish events that become dead letters, and return their ids."""
    service.is_failing = True
    before = len(await served.bus.dead_letters())
    ids = [await served.bus.publish(event) for event in events]
    await served.bus.dead_letters(before + len(events))
    service.is_failing = False
    return ids


async def test_list_shows_listener_attempts_and_error(
    served: RunningService,
    service: FailingService,
    list_dead_letters: ListDeadLetters,
    ticketing: Command,
) -> None:
    [event_id] = await publish_failing(served, service, new_event(OrderCreated))

    [dead_letter] = await list_dead_letters()

    assert dead_letter.pop("time").endswith("Z")
    assert dead_letter == {
        "id": 1,
        "listener": "failing.insert_note",
        "subject": "order.created",
        "event": event_id,
        "attempts": 1,
        "error": "the [service] fails",
    }
    shown = (await ticketing("dead-letters", "list")).stdout
    assert "failing.insert_note" in shown
    assert "the [service] fails" in shown


async def test_show_prints_headers_and_body(
    served: RunningService, service: FailingService, ticketing: Command
) -> None:
    event = new_event(OrderCreated)
    [event_id] = await publish_failing(served, service, event)

    shown = json.loads((await ticketing("dead-letters", "show", "1")).stdout)

    assert shown["body"] == event.model_dump(mode="json", by_alias=True)
    assert shown["headers"]["ce-id"] == event_id
    assert shown["headers"]["ce-type"] == "OrderCreated"


async def test_retry_has_the_event_handled_and_deletes_the_dead_letter(
    served: RunningService,
    service: FailingService,
    list_dead_letters: ListDeadLetters,
    ticketing: Command,
) -> None:
    event = new_event(OrderCreated)
    await publish_failing(served, service, event)

    result = await ticketing("dead-letters", "retry", "1", "--yes")

    assert result.exit_code == 0, result.output
    await served.bus.wait_until_handled(service.listeners)
    assert service.handled == [event.id]
    assert await list_dead_letters() == []


async def test_retry_sends_to_the_failed_service_only(
    served: RunningService, service: FailingService, ticketing: Command
) -> None:
    await publish_failing(served, service, new_event(OrderCreated))
    published = await served.bus.published(OrderCreated)

    await ticketing("dead-letters", "retry", "--all", "--yes")
    await served.bus.wait_until_handled(service.listeners)

    assert await served.bus.published(OrderCreated) == published
    assert len(service.handled) == 1


async def test_retry_that_fails_is_a_new_dead_letter(
    served: RunningService,
    service: FailingService,
    list_dead_letters: ListDeadLetters,
    ticketing: Command,
) -> None:
    [event_id] = await publish_failing(served, service, new_event(OrderCreated))
    service.is_failing = True

    await ticketing("dead-letters", "retry", "1", "--yes")

    async def is_back() -> bool:
        return [found["id"] for found in await list_dead_letters()] == [2]

    assert await eventually(is_back)
    [dead_letter] = await list_dead_letters()
    assert (dead_letter["event"], dead_letter["subject"]) == (event_id, "order.created")


async def test_discard_deletes_the_dead_letter(
    served: RunningService,
    service: FailingService,
    list_dead_letters: ListDeadLetters,
    ticketing: Command,
) -> None:
    await publish_failing(served, service, new_event(OrderCreated), new_event(TicketCreated))
    _, kept = await list_dead_letters()

    await ticketing("dead-letters", "discard", "1", "--yes")

    assert await list_dead_letters() == [kept]
    assert service.handled == []


async def test_retry_and_discard_need_a_confirmation(
    served: RunningService,
    service: FailingService,
    list_dead_letters: ListDeadLetters,
    ticketing: Command,
) -> None:
    await publish_failing(served, service, new_event(OrderCreated), new_event(TicketCreated))

    for arguments in (["discard", "--all"], ["retry", "--all"], ["discard", "1"]):
        result = await ticketing("dead-letters", *arguments, stdin="n\n")
        assert result.exit_code == 1
    assert len(await list_dead_letters()) == 2

    result = await ticketing("dead-letters", "discard", "--all", stdin="y\n")
    assert result.exit_code == 0
    assert await list_dead_letters() == []


async def test_show_masks_a_secret_and_retry_keeps_it(
    served: RunningService, service: FailingService, ticketing: Command
) -> None:
    event = new_event(
        UserForgotPassword, token={"value": "s3cr3t", "expires_at": "2030-01-01T00:00Z"}
    )
    await publish_failing(served, service, event)
    await served.bus.publish_raw(UserForgotPassword, b'{"token": {"value": "s3cr3t"')
    await served.bus.dead_letters(2)

    shown = [(await ticketing("dead-letters", *arguments)).output for arguments in (
        ["show", "1"], ["show", "2"], ["list"], ["list", "--json"]
    )]  # fmt: skip

    assert "s3cr3t" not in "".join(shown)
    assert "withheld" in shown[1]
    await ticketing("dead-letters", "retry", "1", "--yes")
    await served.bus.wait_until_handled(service.listeners)
    assert service.handled == [event.id]


async def test_commands_report_an_unknown_dead_letter(bus: Bus, ticketing: Command) -> None:
    for verb in ("show", "retry", "discard"):
        result = await ticketing("dead-letters", verb, "7", *(["--yes"] if verb != "show" else []))
        assert result.exit_code == 1
        assert "There is no dead letter 7." in result.stderr
    for arguments in (["list"], ["retry", "--all"], ["discard", "--all"]):
        shown = await ticketing("dead-letters", *arguments)
        assert (shown.exit_code, shown.stdout) == (0, "There are no dead letters.\n")
    assert (await ticketing("dead-letters", "retry", "--yes")).exit_code == 2
