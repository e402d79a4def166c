"""SendGrid is away or refuses, or we crash: a mail is sent, or the log says why not."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contact import sender
from contact.app import create_app
from contact.handlers import listeners
from contact.models import Mail, MailState
from contact.sendgrid_client import AT_ONCE
from contact.settings import ContactSettings
from ticketing_common import circuit_breaker
from ticketing_common.events import UserForgotPassword, UserSignedUp, utc_now
from ticketing_dev.stack.processes import services, stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient

PAUSE = timedelta(seconds=0.1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_PAUSE", PAUSE)


async def the_entry() -> Mail:
    entries = await Mail.find_all().to_list()
    assert len(entries) == 1
    return entries[0]


async def has_ended(state: MailState) -> Mail:
    async def ended() -> Mail:
        entry = await the_entry()
        assert entry.state == state
        return entry

    return await eventually(ended)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 429},
        {"kind": "error", "status": 401},
    ],
    ids=str,
)
async def test_a_mail_that_cannot_be_sent_now_is_sent_later_after_growing_pauses(
    sendgrid: StandInClient, join: Any, received: Any, fault: dict[str, Any]
) -> None:
    await sendgrid.add_fault(**fault, times=3)
    user = await join()

    assert len(await received(user, 1)) == 1
    entry = await the_entry()
    assert (entry.state, entry.tries, entry.error) == (MailState.SENT, 4, None)
    assert entry.sent_at is not None
    assert entry.sent_at - entry.queued_at >= PAUSE * (1 + 2 + 4)


@pytest.mark.parametrize("status", [400, 413])
async def test_a_mail_that_sendgrid_will_never_take_is_marked_with_the_cause(
    contact: RunningService,
    sendgrid: StandInClient,
    user: Any,
    said: Any,
    received: Any,
    status: int,
) -> None:
    await received(user, 1)
    await Mail.delete_all()
    await sendgrid.add_fault("error", status=status)
    await said(new_event(UserForgotPassword, id=user.id, version=1))

    entry = await has_ended(MailState.FAILED)

    assert (entry.tries, entry.error) == (1, f"SendGrid said {status}")
    assert entry.secret is None
    assert len(await received(user, 1)) == 1


async def test_after_many_tries_a_mail_is_given_up_with_the_cause(
    contact: RunningService, sendgrid: StandInClient, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "TRIES", 3)
    await sendgrid.add_fault("error", status=503, times=10)
    await join()
    entry = await has_ended(MailState.FAILED)
    assert (entry.tries, entry.error) == (3, "SendGrid said 503")


async def test_one_mail_that_fails_holds_up_no_other(
    sendgrid: StandInClient, join: Any, received: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FIRST_PAUSE", timedelta(minutes=1))
    await sendgrid.add_fault("error", status=500)
    await join()
    await eventually(sendgrid.all_faults_used)
    other = await join()
    assert await eventually(lambda: sendgrid.get("/api/mails", to=other.email))


async def test_mails_wait_while_sendgrid_is_down(
    environment: TestEnvironment, settings: dict[str, Any], tmp_path: Path
) -> None:
    post = stand_ins.sendgrid(free_port(), tmp_path)
    app = create_app(ContactSettings(**{**settings, "sendgrid_api_base": post.url}))
    user = new_user()
    async with environment.serve(app) as contact:
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        await contact.bus.wait_until_handled(listeners)

        async def was_tried() -> bool:
            return (await the_entry()).error is not None

        await eventually(was_tried)
        assert (await (await contact.client()).get("/readyz")).status_code == 200
        async with run_process(post):
            await has_ended(MailState.SENT)
            (mail,) = await StandInClient(post.url, {}).get("/api/mails")
    assert mail["to"] == [user.email]


async def test_a_mail_that_a_crash_left_is_sent_by_the_next_process_after_its_lease(
    environment: TestEnvironment, settings: dict[str, Any], tmp_path: Path
) -> None:
    post = stand_ins.sendgrid(free_port(), tmp_path / "post")
    settings = {**settings, "sendgrid_api_base": post.url}
    part = services.service("contact", free_port(), tmp_path, environment_variables(settings))
    sendgrid, user = StandInClient(post.url, {}), new_user()
    async with Bus.open(environment.nats_url) as bus, run_process(post) as post_office:
        async with run_process(part) as process:
            await sendgrid.add_fault("delay", seconds=60)
            await bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
            await eventually(sendgrid.all_faults_used)
            process.kill()
        await asyncio.to_thread(post_office.kill)  # or it would deliver what it had in hand

        async with environment.serve(create_app(ContactSettings(**settings))):
            entry = await the_entry()
            assert entry.state == MailState.QUEUED
            assert entry.next_try_at - entry.queued_at >= sender.LEASE
            await asyncio.to_thread(post_office.start)
            await entry.set({"next_try_at": utc_now()})  # time passes

            assert (await has_ended(MailState.SENT)).tries == 2
            assert len(await sendgrid.get("/api/mails")) == 1


async def test_a_service_that_stops_ends_what_it_is_sending(
    environment: TestEnvironment, settings: dict[str, Any], sendgrid: StandInClient
) -> None:
    user = new_user()
    await sendgrid.add_fault("delay", seconds=1, when="after")
    async with environment.serve(create_app(ContactSettings(**settings))) as contact:
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        await eventually(sendgrid.all_faults_used)

    async with environment.serve(create_app(ContactSettings(**settings))):
        assert (await the_entry()).state == MailState.SENT
        assert len(await sendgrid.get("/api/mails", to=user.email)) == 1


async def test_two_replicas_send_each_mail_once(
    environment: TestEnvironment,
    contact: RunningService,
    settings: dict[str, Any],
    sendgrid: StandInClient,
    tmp_path: Path,
) -> None:
    people = [new_user() for _ in range(20)]
    part = services.service("contact", free_port(), tmp_path, environment_variables(settings))
    async with run_process(part):
        for user in people:
            await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))

        async def all_sent() -> bool:
            return await Mail.find({"state": MailState.SENT.value}).count() == 20

        await eventually(all_sent)
    for user in people:
        assert len(await sendgrid.get("/api/mails", to=user.email)) == 1


async def test_while_sendgrid_fails_again_and_again_the_mails_wait_and_use_up_no_tries(
    contact: RunningService, sendgrid: StandInClient, said: Any, received: Any
) -> None:
    began = time.monotonic()
    await sendgrid.add_fault("drop", times=1000)
    people = [new_event(UserSignedUp) for _ in range(20)]
    await said(*people)
    await asyncio.sleep(2)
    tries = sum(mail.tries for mail in await Mail.find_all().to_list())
    pauses = (time.monotonic() - began) / circuit_breaker.PAUSE_SECONDS

    await sendgrid.reset()

    for one in people:
        assert len(await received(one, 1)) == 1
    # One whenever a pause is over, beside those that began the first or have just been taken.
    assert tries <= circuit_breaker.FAILURES + 2 * AT_ONCE + pauses
