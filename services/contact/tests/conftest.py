"""contact, served on real stores beside the stand-in for SendGrid, and people to write to."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from contact import sender
from contact.app import create_app
from contact.handlers import listeners
from contact.models import Mail, MailState
from contact.settings import ContactSettings
from ticketing_common import circuit_breaker
from ticketing_common.events import DomainEvent, UserSignedUp
from ticketing_common.web.sessions import SessionUser
from ticketing_dev.stack.processes import stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import RunningService, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.standins import StandInClient

KEY = "SG.contact"


@pytest.fixture(scope="session")
def sendgrid_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sendgrid")
    with running(stand_ins.sendgrid(free_port(), folder)) as process:
        yield process.spec.url


@pytest.fixture
async def sendgrid(sendgrid_url: str) -> AsyncIterator[StandInClient]:
    """The post, on a good day."""
    stand_in = StandInClient(sendgrid_url, {"Authorization": f"Bearer {KEY}"})
    yield stand_in
    await stand_in.reset()


@pytest.fixture
def settings(
    environment: TestEnvironment, sendgrid: StandInClient, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(circuit_breaker, "RECOVERY_SECONDS", 0.5)
    return {
        **environment.settings(),
        "sendgrid_key": KEY,
        "sendgrid_email": "market@tickets.example",
        "sendgrid_api_base": sendgrid.url,
        "public_url": "https://tickets.example/",
    }


@pytest.fixture
async def contact(
    environment: TestEnvironment, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(ContactSettings(**settings))) as served:
        yield served


@pytest.fixture
def said(contact: RunningService) -> Callable[..., Awaitable[None]]:
    """Says events, and waits until contact has answered for them."""

    async def say(*events: DomainEvent) -> None:
        await contact.bus.publish(*events)
        await contact.bus.wait_until_handled(listeners)

    return say


@pytest.fixture
def join(contact: RunningService) -> Callable[[], Awaitable[SessionUser]]:
    """Has contact hear of somebody new."""

    async def make() -> SessionUser:
        user = new_user()
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        return user

    return make


@pytest.fixture
async def user(join: Callable[[], Awaitable[SessionUser]]) -> SessionUser:
    return await join()


@pytest.fixture
def received(sendgrid: StandInClient) -> Callable[..., Awaitable[list[Any]]]:
    """The mails that somebody got, in any order, once all that is queued was sent."""

    async def mails(user: SessionUser, count: int) -> list[Any]:
        async def enough() -> list[Any]:
            assert await Mail.find({"state": MailState.QUEUED.value}).count() == 0
            found: list[Any] = await sendgrid.get("/api/mails", to=user.email)
            assert len(found) >= count, [mail["subject"] for mail in found]
            return found

        return await eventually(enough)

    return mails
