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
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import RunningService, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.standins import StandInClient

SENDGRID_KEY = "SG.contact"

Handle = Callable[..., Awaitable[None]]
SignUp = Callable[[], Awaitable[SessionUser]]
ReceivedMails = Callable[[SessionUser, int], Awaitable[list[Any]]]


@pytest.fixture(scope="session")
def sendgrid_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sendgrid")
    with running(sendgrid_stand_in(free_port(), folder)) as process:
        yield process.spec.url


@pytest.fixture
async def sendgrid(sendgrid_url: str) -> AsyncIterator[StandInClient]:
    """The stand-in for SendGrid, without faults."""
    stand_in = StandInClient(sendgrid_url, {"Authorization": f"Bearer {SENDGRID_KEY}"})
    yield stand_in
    await stand_in.reset()


@pytest.fixture
def settings(
    environment: TestEnvironment, sendgrid: StandInClient, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(circuit_breaker, "RECOVERY_SECONDS", 0.5)
    return {
        **environment.settings(),
        "sendgrid_key": SENDGRID_KEY,
        "sendgrid_email": "sender@tickets.example",
        "sendgrid_api_base": sendgrid.url,
        "public_url": "https://tickets.example/",
    }


@pytest.fixture
async def contact(
    environment: TestEnvironment, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(ContactSettings(**settings))) as service:
        yield service


@pytest.fixture
def handle(contact: RunningService) -> Handle:
    """A function that publishes events and waits until contact has handled them."""

    async def publish_and_wait(*events: DomainEvent) -> None:
        await contact.bus.publish(*events)
        await contact.bus.wait_until_handled(listeners)

    return publish_and_wait


@pytest.fixture
def sign_up(contact: RunningService) -> SignUp:
    """A function that publishes the sign-up of a new user."""

    async def publish() -> SessionUser:
        user = new_user()
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        return user

    return publish


@pytest.fixture
async def user(sign_up: SignUp) -> SessionUser:
    return await sign_up()


@pytest.fixture
def received_mails(sendgrid: StandInClient) -> ReceivedMails:
    """A function that waits until no mail is queued and returns a user's, in any order."""

    async def mails(user: SessionUser, count: int) -> list[Any]:
        async def are_received() -> list[Any]:
            assert await Mail.find({"state": MailState.QUEUED.value}).count() == 0
            received: list[Any] = await sendgrid.get("/api/mails", to=user.email)
            assert len(received) >= count, [mail["subject"] for mail in received]
            return received

        return await eventually(are_received)

    return mails
