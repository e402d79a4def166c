"""The command line on the bus of a test, and a service with failing handlers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import pytest
from beanie import Document, PydanticObjectId
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from ticketing_common.events import OrderCreated, TicketCreated, UserForgotPassword
from ticketing_common.messaging.listeners import Listeners, Reject
from ticketing_common.service import create_service
from ticketing_common.settings import StoreSettings
from ticketing_ops.cli import app
from ticketing_testing import Bus, RunningService, TestEnvironment

Command = Callable[..., Awaitable[Result]]
ListDeadLetters = Callable[[], Awaitable[list[Any]]]


@pytest.fixture
async def bus(environment: TestEnvironment) -> AsyncIterator[Bus]:
    async with Bus.open(environment.nats_url) as opened:
        yield opened


@pytest.fixture
def ticketing(environment: TestEnvironment) -> Command:
    """A function that runs the command line, and returns its result."""

    async def run(*arguments: str, stdin: str | None = None) -> Result:
        env = {"NATS_URL": environment.nats_url, "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, input=stdin, env=env)

    return run


@pytest.fixture
def list_dead_letters(ticketing: Command) -> ListDeadLetters:
    """A function that returns the output of `dead-letters list --json`."""

    async def run() -> list[Any]:
        result = await ticketing("dead-letters", "list", "--json")
        assert result.exit_code == 0, result.output
        found: list[Any] = json.loads(result.stdout)
        return found

    return run


class Note(Document):
    """The document of an event that was handled."""

    class Settings:
        name: ClassVar[str] = "notes"


class FailingService:
    """A service whose handlers fail while `is_failing` is set."""

    def __init__(self) -> None:
        self.listeners = Listeners("failing")
        self.is_failing = False
        self.handled: list[str] = []
        for event in (OrderCreated, TicketCreated, UserForgotPassword):
            self.listeners.on(event)(self.insert_note)

    async def insert_note(self, event: Any) -> None:
        if self.is_failing:
            raise Reject("the [service] fails")
        self.handled.append(event.id)
        await Note(id=PydanticObjectId(event.id)).insert()

    def app(self, environment: TestEnvironment) -> FastAPI:
        settings = StoreSettings(mongo_uri=environment.mongo_uri, nats_url=environment.nats_url)
        return create_service(
            "failing", settings, listeners=self.listeners, description="", documents=[Note]
        )


@pytest.fixture
def service() -> FailingService:
    return FailingService()


@pytest.fixture
async def served(
    environment: TestEnvironment, service: FailingService
) -> AsyncIterator[RunningService]:
    async with environment.serve(service.app(environment)) as running:
        yield running
