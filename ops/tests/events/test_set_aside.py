"""`ticketing events set-aside`."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from typer.testing import CliRunner, Result

from ticketing_common.events import utc_now
from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_ops.cli import app
from ticketing_testing import TestEnvironment, new_id


async def run(environment: TestEnvironment, *arguments: str) -> Result:
    """Run the command with one database for orders, and an empty one for the others."""
    env = {
        f"{service.upper()}_MONGO_URI": environment.mongo_uri.replace("/test", f"/{service}-test")
        for service in SERVICES_WITH_DATABASE
    }
    env["ORDERS_MONGO_URI"] = environment.mongo_uri
    command = ["events", "set-aside", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, command, env=env)


@pytest.fixture
async def refused(environment: TestEnvironment) -> dict[str, Any]:
    """A row that NATS refuses, before a row that waits for it and a row that is only new."""
    now, order = utc_now(), new_id()
    row = {
        "aggregate_id": order,
        "subject": "order.completed",
        "body": b"a secret",
        "created_at": now - timedelta(minutes=5),
    }
    head = row | {
        "set_aside_at": now,
        "attempts": 7,
        "next_attempt_at": now + timedelta(seconds=30),
        "last_error": "NoStreamResponseError: nats: no response from stream",
    }
    waiting = row | {"set_aside_at": now, "next_attempt_at": now + timedelta(seconds=30)}
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        rows = client.get_default_database()["outbox"]
        await rows.insert_many([head, waiting, row | {"aggregate_id": new_id()}])
    return head


async def test_set_aside_lists_refused_events_and_those_behind_them(
    environment: TestEnvironment, refused: dict[str, Any]
) -> None:
    result = await run(environment, "--json")

    assert result.exit_code == 0, result.output
    head, waiting = json.loads(result.stdout)
    assert (head["service"], head["subject"], head["document"], head["attempts"]) == (
        "orders",
        "order.completed",
        refused["aggregate_id"],
        7,
    )
    assert 300 <= head["ageSeconds"] < 600
    assert head["error"] == refused["last_error"]
    assert (waiting["attempts"], waiting["error"]) == (0, None)
    assert "secret" not in result.output


async def test_set_aside_prints_lines(
    environment: TestEnvironment, refused: dict[str, Any]
) -> None:
    lines = (await run(environment)).stdout.splitlines()

    assert lines[0].startswith("orders    order.completed")
    assert "attempts: 7" in lines[0]
    assert "no response from stream" in lines[1]
    assert lines[3].strip() == "waits for an earlier event of its document"
    assert len((await run(environment, "--limit", "1")).stdout.splitlines()) == 2


async def test_set_aside_reports_if_there_is_none(environment: TestEnvironment) -> None:
    assert (await run(environment)).stdout == "No event is set aside.\n"
