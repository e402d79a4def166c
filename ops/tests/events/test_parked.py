"""`ticketing events parked`."""

import asyncio
import json
from typing import Any

import pytest
from common.tests.sample_service import SampleListeners, create_sample_service
from typer.testing import CliRunner, Result

from ticketing_common.events import TicketUpdated, UserForgotPassword
from ticketing_common.messaging.listeners import RetryLater
from ticketing_common.persistence import parked_events
from ticketing_common.settings import SessionSettings
from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_ops.cli import app
from ticketing_testing import TestEnvironment, eventually, new_event, new_id


async def parked(uri: str, *arguments: str) -> Result:
    """Run the command on one database for all services."""
    env = {f"{name.upper()}_MONGO_URI": uri for name in SERVICES_WITH_DATABASE}
    command = ("events", "parked", *arguments)
    return await asyncio.to_thread(CliRunner().invoke, app, command, env=env)


async def test_parked_lists_events_without_their_bodies(environment: TestEnvironment) -> None:
    sample = SampleListeners()

    async def wait(_: object) -> None:
        raise RetryLater("User is not known yet", waits_for=new_id())

    sample.hook = wait
    service = create_sample_service(SessionSettings(**environment.settings()), sample.listeners)
    async with environment.serve(service) as served:
        event = new_event(TicketUpdated, version=3)
        event_id = await served.bus.publish(event)

        async def are_parked(count: int) -> bool:
            return await parked_events.count() == count

        assert await eventually(lambda: are_parked(1))
        await served.bus.publish(new_event(UserForgotPassword))
        assert await eventually(lambda: are_parked(2))

    result = await parked(environment.mongo_uri, "orders", "--json")
    shown = (await parked(environment.mongo_uri, "orders")).stdout
    limited = json.loads(
        (await parked(environment.mongo_uri, "orders", "--json", "--limit", "1")).stdout
    )

    assert result.exit_code == 0, result.output
    [of_orders] = json.loads(result.stdout)
    assert (of_orders["service"], of_orders["count"]) == ("orders", 2)
    first: dict[str, Any] = of_orders["events"][0]
    assert (first["event"], first["subject"], first["document"]) == (
        event_id,
        "ticket.updated",
        event.id,
    )
    assert (first["waits_for"], first["after_version"]) == (event.id, 2)
    assert first["parked"].endswith("Z")
    assert len(limited[0]["events"]) == 1
    assert limited[0]["count"] == 2
    assert "2 parked" in shown
    assert "has version 3, the copy -1" in shown
    assert "secret" not in result.stdout + shown


async def test_parked_shows_every_service(environment: TestEnvironment) -> None:
    result = await parked(environment.mongo_uri, "--json")

    assert [row["service"] for row in json.loads(result.stdout)] == [*SERVICES_WITH_DATABASE]
    assert {row["count"] for row in json.loads(result.stdout)} == {0}


@pytest.mark.parametrize("service", ["expiration", "nobody"])
async def test_parked_refuses_a_service_without_a_database(
    environment: TestEnvironment, service: str
) -> None:
    assert (await parked(environment.mongo_uri, service)).exit_code == 2
