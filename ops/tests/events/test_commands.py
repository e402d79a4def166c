import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ops.tests.events.conftest import Command

from ticketing_common.events import (
    OrderCreated,
    TicketCreated,
    TicketDeleted,
    UserForgotPassword,
)
from ticketing_testing import Bus, TestEnvironment, new_event, new_id, new_user
from ticketing_testing.timeouts import TIMEOUT_SECONDS

COMMAND = str(Path(sys.executable).with_name("ticketing"))


@asynccontextmanager
async def tailing(environment: TestEnvironment, *words: str) -> AsyncIterator[asyncio.StreamReader]:
    """What `events tail` prints, as it prints it."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "events",
        "tail",
        *words,
        "--nats",
        environment.nats_url,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.terminate()
        await process.communicate()


async def line(out: asyncio.StreamReader) -> str:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return (await out.readline()).decode()


async def test_a_tail_shows_what_was_said_and_then_what_is_said(
    environment: TestEnvironment, bus: Bus
) -> None:
    user, ticket = new_id(), new_id()
    await bus.publish(new_event(OrderCreated, user_id=user), new_event(TicketCreated, id=ticket))

    async with tailing(environment, "--since", "1h") as out:
        assert user in await line(out)
        assert ticket in await line(out)
        later = new_event(TicketDeleted, id=ticket, version=1)
        await bus.publish(later)
        shown = await line(out)

    assert "ticket.deleted" in shown
    assert json.loads(shown[shown.index("{") :]) == {"id": ticket, "version": 1}


async def test_a_tail_that_nobody_reads_any_more_ends_without_a_word(
    environment: TestEnvironment, bus: Bus
) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{COMMAND} events tail --since 1h --nats {environment.nats_url} | head -1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await bus.publish(new_event(TicketDeleted))
    assert "ticket.deleted" in await line(process.stdout)
    await bus.publish(new_event(TicketDeleted))

    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await process.communicate() == (b"", b"")


async def test_a_tail_shows_only_the_subjects_that_are_wanted_and_all_of_them_to_machines(
    environment: TestEnvironment, bus: Bus
) -> None:
    event_id = await bus.publish(new_event(OrderCreated), new_event(TicketDeleted))

    async with tailing(environment, "ticket.*", "--since", "1h", "--json") as out:
        shown = json.loads(await line(out))

    assert (shown["stream"], shown["subject"]) == ("TICKET", "ticket.deleted")
    assert shown["headers"]["ce-id"] == event_id
    assert shown["body"]["version"] == 0


async def test_a_tail_shows_no_secret(environment: TestEnvironment, bus: Bus) -> None:
    await bus.publish(
        new_event(UserForgotPassword, token={"value": "s3cr3t", "expires_at": "2030-01-01T00:00Z"})
    )
    await bus.publish_raw(UserForgotPassword, b'{"token": {"value": "s3cr3t"')

    async with tailing(environment, "user.>", "--since", "1h", "--json") as out:
        shown = await line(out) + await line(out)

    assert "s3cr3t" not in shown
    assert "****" in shown
    assert "withheld" in shown


async def test_what_is_published_is_an_event_like_any_other(bus: Bus, ticketing: Command) -> None:
    event = new_event(TicketCreated)

    answer = await ticketing("events", "publish", event.subject, event.model_dump_json())

    assert answer.exit_code == 0, answer.output
    assert await bus.published(TicketCreated) == [event]
    last = await bus.js.get_last_msg("TICKET", event.subject)
    headers = last.headers or {}
    assert headers["ce-id"] == headers["Nats-Msg-Id"] == answer.stdout.strip()
    assert (headers["ce-type"], headers["ce-source"]) == ("TicketCreated", "/tickets")


async def test_an_event_is_read_from_a_pipe_too(bus: Bus, ticketing: Command) -> None:
    event = new_event(TicketDeleted)
    body = event.model_dump_json(by_alias=True)

    await ticketing("events", "publish", "ticket.deleted", "-", stdin=body)

    assert await bus.published(TicketDeleted) == [event]


@pytest.mark.parametrize(
    ("subject", "body", "words"),
    [
        ("ticket.praised", "{}", "No event has the subject ticket.praised. There are: user.signed"),
        ("ticket.deleted", "{}", "Not a TicketDeleted: id: Field required, version"),
        ("ticket.deleted", "{", "Not a TicketDeleted: body: Invalid JSON"),
    ],
)
async def test_what_is_no_event_is_not_published(
    bus: Bus, ticketing: Command, subject: str, body: str, words: str
) -> None:
    answer = await ticketing("events", "publish", subject, body)

    assert answer.exit_code == 1
    assert words in answer.stderr
    assert await bus.published(TicketDeleted, 0) == []


async def test_a_bus_that_is_not_there_is_told_in_words_without_its_password(
    ticketing: Command, tmp_path: Path
) -> None:
    answer = await ticketing("events", "tail", "--nats", "nats://me:hush@127.0.0.1:1")
    assert answer.exit_code == 1
    assert "No NATS answers at 127.0.0.1:1" in answer.stderr
    assert "hush" not in answer.output

    for no_bus in ("foo:bar", "nats://me:hush@host:notaport", "http://127.0.0.1:1"):
        answer = await ticketing("events", "tail", "--nats", no_bus)
        assert answer.exit_code == 1
        assert "That is no address of a NATS: write nats://HOST:4222" in answer.stderr
        assert "hush" not in answer.output

    answer = await ticketing("events", "tail", "--nats", "", "--data", str(tmp_path))
    assert "`ticketing up` starts one; --nats or NATS_URL names another bus." in answer.stderr


async def test_a_subject_that_no_event_has_and_a_time_that_is_none_are_told_in_words(
    bus: Bus, ticketing: Command
) -> None:
    answer = await ticketing("events", "tail", "tickets.*")
    assert "No event has a subject tickets.*. There are: user.signed-up" in answer.stderr

    for no_time in ("yesterday", "999999d"):
        answer = await ticketing("events", "tail", "--since", no_time)
        assert f"'{no_time}' is no time: write 15m" in answer.stderr


async def test_a_service_that_does_not_listen_is_told_nothing(bus: Bus, ticketing: Command) -> None:
    answer = await ticketing("events", "replay", "--to", new_user().email)

    assert answer.exit_code == 1
    assert "No service" in answer.stderr
