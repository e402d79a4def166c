"""The command line on the bus of a test's own world."""

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


@pytest.fixture
async def bus(environment: TestEnvironment) -> AsyncIterator[Bus]:
    async with Bus.open(environment.nats_url) as opened:
        yield opened


@pytest.fixture
def ticketing(environment: TestEnvironment) -> Command:
    """Runs a command as an operator would, and gives how it ended."""

    async def run(*words: str, stdin: str | None = None) -> Result:
        env = {"NATS_URL": environment.nats_url, "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, app, words, input=stdin, env=env)

    return run


@pytest.fixture
def letters(ticketing: Command) -> Callable[[], Awaitable[list[Any]]]:
    """What `dead-letters list` shows."""

    async def listed() -> list[Any]:
        answer = await ticketing("dead-letters", "list", "--json")
        assert answer.exit_code == 0, answer.output
        found: list[Any] = json.loads(answer.stdout)
        return found

    return listed


class Note(Document):
    """What the desk has heard of."""

    class Settings:
        name: ClassVar[str] = "notes"


class Desk:
    """A service of our own, whose listeners break when they are told to."""

    def __init__(self, name: str) -> None:
        self.listeners = Listeners(name)
        self.broken = False
        self.heard: list[str] = []
        for event in (OrderCreated, TicketCreated, UserForgotPassword):
            self.listeners.on(event)(self.note)

    async def note(self, event: Any) -> None:
        if self.broken:
            raise Reject("the [desk] is broken")
        self.heard.append(event.id)
        await Note(id=PydanticObjectId(event.id)).insert()

    def app(self, environment: TestEnvironment) -> FastAPI:
        settings = StoreSettings(mongo_uri=environment.mongo_uri, nats_url=environment.nats_url)
        return create_service(settings, self.listeners, description="", documents=[Note])


@pytest.fixture
def desk() -> Desk:
    return Desk("desk")


@pytest.fixture
async def served(environment: TestEnvironment, desk: Desk) -> AsyncIterator[RunningService]:
    async with environment.serve(desk.app(environment)) as running:
        yield running
