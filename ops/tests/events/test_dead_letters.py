import json
from collections.abc import Awaitable, Callable
from typing import Any

from ops.tests.events.conftest import Command, Desk

from ticketing_common.events import OrderCreated, TicketCreated, UserForgotPassword
from ticketing_testing import Bus, RunningService, eventually, new_event

Letters = Callable[[], Awaitable[list[Any]]]


async def dies(served: RunningService, desk: Desk, *events: Any) -> list[str]:
    """Have events end as dead letters; gives their ids."""
    desk.broken = True
    before = len(await served.bus.dead_letters())
    ids = [await served.bus.publish(event) for event in events]
    await served.bus.dead_letters(before + len(events))
    desk.broken = False
    return ids


async def test_a_dead_letter_is_listed_with_its_listener_tries_and_error(
    served: RunningService, desk: Desk, letters: Letters, ticketing: Command
) -> None:
    [event_id] = await dies(served, desk, new_event(OrderCreated))

    [letter] = await letters()

    assert letter.pop("time").endswith("Z")
    assert letter == {
        "id": 1,
        "listener": "desk.note",
        "subject": "order.created",
        "event": event_id,
        "tries": 1,
        "error": "the [desk] is broken",
    }
    shown = (await ticketing("dead-letters", "list")).stdout
    assert "desk.note" in shown
    assert "the [desk] is broken" in shown


async def test_a_dead_letter_is_shown_whole(
    served: RunningService, desk: Desk, ticketing: Command
) -> None:
    event = new_event(OrderCreated)
    [event_id] = await dies(served, desk, event)

    shown = json.loads((await ticketing("dead-letters", "show", "1")).stdout)

    assert shown["body"] == event.model_dump(mode="json", by_alias=True)
    assert shown["headers"]["ce-id"] == event_id
    assert shown["headers"]["ce-type"] == "OrderCreated"


async def test_a_dead_letter_that_is_retried_is_handled_and_gone(
    served: RunningService, desk: Desk, letters: Letters, ticketing: Command
) -> None:
    event = new_event(OrderCreated)
    await dies(served, desk, event)

    answer = await ticketing("dead-letters", "retry", "1", "--yes")

    assert answer.exit_code == 0, answer.output
    await served.bus.wait_until_handled(desk.listeners)
    assert desk.heard == [event.id]
    assert await letters() == []


async def test_only_the_service_that_failed_hears_what_is_retried(
    served: RunningService, desk: Desk, ticketing: Command
) -> None:
    await dies(served, desk, new_event(OrderCreated))
    said = await served.bus.published(OrderCreated)

    await ticketing("dead-letters", "retry", "--all", "--yes")
    await served.bus.wait_until_handled(desk.listeners)

    assert await served.bus.published(OrderCreated) == said
    assert len(desk.heard) == 1


async def test_what_fails_again_is_a_dead_letter_again(
    served: RunningService, desk: Desk, letters: Letters, ticketing: Command
) -> None:
    [event_id] = await dies(served, desk, new_event(OrderCreated))
    desk.broken = True

    await ticketing("dead-letters", "retry", "1", "--yes")

    async def back() -> bool:
        return [letter["id"] for letter in await letters()] == [2]

    assert await eventually(back)
    [letter] = await letters()
    assert (letter["event"], letter["subject"]) == (event_id, "order.created")


async def test_a_dead_letter_that_is_discarded_is_gone_for_good(
    served: RunningService, desk: Desk, letters: Letters, ticketing: Command
) -> None:
    await dies(served, desk, new_event(OrderCreated), new_event(TicketCreated))
    _, kept = await letters()

    await ticketing("dead-letters", "discard", "1", "--yes")

    assert await letters() == [kept]
    assert desk.heard == []


async def test_nothing_is_done_that_was_not_agreed_to(
    served: RunningService, desk: Desk, letters: Letters, ticketing: Command
) -> None:
    await dies(served, desk, new_event(OrderCreated), new_event(TicketCreated))

    for words in (["discard", "--all"], ["retry", "--all"], ["discard", "1"]):
        answer = await ticketing("dead-letters", *words, stdin="n\n")
        assert answer.exit_code == 1
    assert len(await letters()) == 2

    answer = await ticketing("dead-letters", "discard", "--all", stdin="y\n")
    assert answer.exit_code == 0
    assert await letters() == []


async def test_a_secret_in_a_dead_letter_is_not_shown_and_not_lost(
    served: RunningService, desk: Desk, ticketing: Command
) -> None:
    event = new_event(
        UserForgotPassword, token={"value": "s3cr3t", "expires_at": "2030-01-01T00:00Z"}
    )
    await dies(served, desk, event)
    await served.bus.publish_raw(UserForgotPassword, b'{"token": {"value": "s3cr3t"')
    await served.bus.dead_letters(2)

    shown = [(await ticketing("dead-letters", *words)).output for words in (
        ["show", "1"], ["show", "2"], ["list"], ["list", "--json"]
    )]  # fmt: skip

    assert "s3cr3t" not in "".join(shown)
    assert "withheld" in shown[1]
    await ticketing("dead-letters", "retry", "1", "--yes")
    await served.bus.wait_until_handled(desk.listeners)
    assert desk.heard == [event.id]


async def test_a_dead_letter_that_is_not_there_is_told_in_words(
    bus: Bus, ticketing: Command
) -> None:
    for verb in ("show", "retry", "discard"):
        answer = await ticketing("dead-letters", verb, "7", *(["--yes"] if verb != "show" else []))
        assert (answer.exit_code, answer.stderr) == (1, "There is no dead letter 7.\n")
    assert (await ticketing("dead-letters", "list")).stdout == "There are no dead letters.\n"
    assert (await ticketing("dead-letters", "retry", "--yes")).exit_code == 2
