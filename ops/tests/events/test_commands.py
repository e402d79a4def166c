"""`ticketing events`."""

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
async def tailing(
    environment: TestEnvironment, *arguments: str
) -> AsyncIterator[asyncio.StreamReader]:
    """Run `events tail`, and yield its output."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "events",
        "tail",
        *arguments,
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


async def test_tail_shows_earlier_and_then_new_events(
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


async def test_tail_ends_silently_when_its_output_is_closed(
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


async def test_tail_filters_subjects_and_prints_whole_messages_as_json(
    environment: TestEnvironment, bus: Bus
) -> None:
    event_id = await bus.publish(new_event(OrderCreated), new_event(TicketDeleted))

    async with tailing(environment, "ticket.*", "--since", "1h", "--json") as out:
        shown = json.loads(await line(out))

    assert (shown["stream"], shown["subject"]) == ("TICKET", "ticket.deleted")
    assert shown["headers"]["ce-id"] == event_id
    assert shown["body"]["version"] == 0


async def test_tail_masks_secrets(environment: TestEnvironment, bus: Bus) -> None:
    await bus.publish(
        new_event(UserForgotPassword, token={"value": "s3cr3t", "expires_at": "2030-01-01T00:00Z"})
    )
    await bus.publish_raw(UserForgotPassword, b'{"token": {"value": "s3cr3t"')

    async with tailing(environment, "user.>", "--since", "1h", "--json") as out:
        shown = await line(out) + await line(out)

    assert "s3cr3t" not in shown
    assert "****" in shown
    assert "withheld" in shown


async def test_publish_sends_an_event_with_the_headers_of_its_producer(
    bus: Bus, ticketing: Command
) -> None:
    event = new_event(TicketCreated)

    result = await ticketing("events", "publish", event.subject, event.model_dump_json())

    assert result.exit_code == 0, result.output
    assert await bus.published(TicketCreated) == [event]
    last = await bus.js.get_last_msg("TICKET", event.subject)
    headers = last.headers or {}
    assert headers["ce-id"] == headers["Nats-Msg-Id"] == result.stdout.strip()
    assert (headers["ce-type"], headers["ce-source"]) == ("TicketCreated", "/tickets")


async def test_publish_reads_standard_input(bus: Bus, ticketing: Command) -> None:
    event = new_event(TicketDeleted)
    body = event.model_dump_json(by_alias=True)

    await ticketing("events", "publish", "ticket.deleted", "-", stdin=body)

    assert await bus.published(TicketDeleted) == [event]


@pytest.mark.parametrize(
    ("subject", "body", "message"),
    [
        (
            "ticket.praised",
            "{}",
            "No domain event has the subject ticket.praised. Subjects: user.signed",
        ),
        ("ticket.deleted", "{}", "Invalid TicketDeleted: id: Field required, version"),
        ("ticket.deleted", "{", "Invalid TicketDeleted: body: Invalid JSON"),
    ],
)
async def test_publish_rejects_an_invalid_event(
    bus: Bus, ticketing: Command, subject: str, body: str, message: str
) -> None:
    result = await ticketing("events", "publish", subject, body)

    assert result.exit_code == 1
    assert message in result.stderr
    assert await bus.published(TicketDeleted, 0) == []


async def test_tail_reports_an_unreachable_bus_without_its_password(
    ticketing: Command, tmp_path: Path
) -> None:
    result = await ticketing("events", "tail", "--nats", "nats://me:hush@127.0.0.1:1")
    assert result.exit_code == 1
    assert "No NATS server is reachable at 127.0.0.1:1" in result.stderr
    assert "hush" not in result.output

    for url in ("foo:bar", "nats://me:hush@host:notaport", "http://127.0.0.1:1"):
        result = await ticketing("events", "tail", "--nats", url)
        assert result.exit_code == 1
        assert "Invalid address of a NATS server. Write nats://HOST:4222" in result.stderr
        assert "hush" not in result.output

    result = await ticketing("events", "tail", "--data", str(tmp_path))
    assert result.stderr.endswith("Start one with `ticketing up`.\n")


async def test_tail_reports_an_unknown_subject_and_an_invalid_time(
    bus: Bus, ticketing: Command
) -> None:
    result = await ticketing("events", "tail", "tickets.*")
    assert "No domain event has a subject tickets.*. Subjects: user.signed-up" in result.stderr

    for text in ("yesterday", "999999d"):
        result = await ticketing("events", "tail", "--since", text)
        assert f"'{text}' is not a time. Write 15m" in result.stderr


async def test_replay_rejects_an_unknown_service(bus: Bus, ticketing: Command) -> None:
    result = await ticketing("events", "replay", "--to", new_user().email)

    assert result.exit_code == 1
    assert "No service" in result.stderr
