import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from services.contact.tests.conftest import Handle, ReceivedMails, SignUp

from contact import outgoing, sender
from contact.app import create_app
from contact.handlers import listeners
from contact.models import Mail, MailState
from contact.sendgrid_client import MAX_CONCURRENT_REQUESTS
from contact.settings import ContactSettings
from ticketing_common import circuit_breaker
from ticketing_common.backoff import Backoff
from ticketing_common.events import UserForgotPassword, UserSignedUp, utc_now
from ticketing_common.web.sessions import SessionUser
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    new_user,
)
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient

FIRST_DELAY = timedelta(seconds=0.1)


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "BACKOFF", Backoff(FIRST_DELAY.total_seconds(), 600))


async def only_mail() -> Mail:
    mails = await Mail.find_all().to_list()
    assert len(mails) == 1  # `eventually` waits for the first one
    return mails[0]


async def mail_in_state(state: MailState) -> Mail:
    """Wait until the only mail has this state."""

    async def has_state() -> Mail:
        mail = await only_mail()
        assert mail.state == state
        return mail

    return await eventually(has_state)


async def total_attempts() -> int:
    return sum(mail.attempts for mail in await Mail.find_all().to_list())


async def test_sender_records_sent_mail(user: SessionUser, received_mails: ReceivedMails) -> None:
    [received] = await received_mails(user, 1)

    mail = await only_mail()

    assert (mail.user_id, mail.to, mail.template) == (user.id, user.email, "welcome")
    assert (mail.state, mail.attempts, mail.error) == (MailState.SENT, 1, None)
    assert mail.message_id == received["messageId"]
    assert received["customArgs"] == {"mail_id": str(mail.id)}


async def test_sender_fails_an_invalid_row_and_sends_the_other_mails(
    contact: RunningService, sign_up: SignUp, received_mails: ReceivedMails
) -> None:
    await received_mails(await sign_up(), 1)
    collection = Mail.get_pymongo_collection()
    row = await collection.find_one({})
    assert row is not None
    due = {"state": "queued", "next_attempt_at": utc_now() - timedelta(hours=1), "sent_at": None}
    invalid: list[dict[str, Any]] = [{"variables": 1}, {"user_id": "x"}, {"to": None}]
    for changes in [*invalid, {"attempts": "x", "variables": None}]:
        await collection.insert_one(row | due | {"_id": ObjectId()} | changes)

    await received_mails(await sign_up(), 1)

    failed = await collection.find({"state": MailState.FAILED.value}).to_list()
    assert [mail["error"] for mail in failed] == ["The row is invalid"] * 4


async def test_sender_fails_expired_mail_without_sending_it(
    user: SessionUser, handle: Handle, received_mails: ReceivedMails
) -> None:
    token = {"value": "s3cret-token", "expires_at": utc_now() - timedelta(seconds=1)}

    await handle(new_event(UserForgotPassword, id=user.id, version=1, token=token))

    assert len(await received_mails(user, 1)) == 1
    mail = await Mail.find_one({"template": "reset_password"})
    assert mail is not None
    assert (mail.state, mail.secret) == (MailState.FAILED, None)
    assert mail.error == "Expired before it was sent"


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
async def test_sender_retries_with_growing_delays(
    sendgrid: StandInClient,
    sign_up: SignUp,
    received_mails: ReceivedMails,
    fault: dict[str, Any],
) -> None:
    await sendgrid.add_fault(**fault, times=3)

    user = await sign_up()

    assert len(await received_mails(user, 1)) == 1
    mail = await only_mail()
    assert (mail.state, mail.attempts, mail.error) == (MailState.SENT, 4, None)
    assert mail.sent_at is not None
    assert mail.sent_at - mail.queued_at >= FIRST_DELAY * (1 + 2 + 4)


@pytest.mark.parametrize("status", [400, 413])
async def test_sender_fails_mail_that_sendgrid_refuses(
    sendgrid: StandInClient,
    user: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
    status: int,
) -> None:
    await received_mails(user, 1)
    async for mail in Mail.find_all():
        await mail.delete()
    await sendgrid.add_fault("error", status=status)

    await handle(new_event(UserForgotPassword, id=user.id, version=1))

    mail = await mail_in_state(MailState.FAILED)
    assert (mail.attempts, mail.error) == (1, f"SendGrid returned {status}")
    assert mail.secret is None
    assert len(await received_mails(user, 1)) == 1


async def test_sender_fails_mail_after_max_attempts(
    sendgrid: StandInClient, sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_ATTEMPTS", 3)
    await sendgrid.add_fault("error", status=503, times=10)

    await sign_up()

    mail = await mail_in_state(MailState.FAILED)
    assert (mail.attempts, mail.error) == (3, "SendGrid returned 503")


async def test_sender_sends_other_mails_while_one_is_delayed(
    sendgrid: StandInClient, sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "BACKOFF", Backoff(60, 600))
    await sendgrid.add_fault("error", status=500)
    await sign_up()
    await eventually(sendgrid.all_faults_used)

    user = await sign_up()

    assert await eventually(lambda: sendgrid.get("/api/mails", to=user.email))


async def test_sender_keeps_mails_while_sendgrid_is_unavailable(
    environment: TestEnvironment, settings: dict[str, Any], tmp_path: Path
) -> None:
    spec = sendgrid_stand_in(free_port(), tmp_path)
    app = create_app(ContactSettings(**{**settings, "sendgrid_api_base": spec.url}))
    user = new_user()
    async with environment.serve(app) as contact:
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        await contact.bus.wait_until_handled(listeners)

        async def has_failed_attempt() -> bool:
            return (await only_mail()).error is not None

        await eventually(has_failed_attempt)
        assert (await (await contact.client()).get("/readyz")).status_code == 200

        async with run_process(spec):
            await mail_in_state(MailState.SENT)
            [mail] = await StandInClient(spec.url, {}).get("/api/mails")
    assert mail["to"] == [user.email]


async def test_sender_sends_mail_of_killed_process_after_its_lease(
    environment: TestEnvironment, settings: dict[str, Any], tmp_path: Path
) -> None:
    sendgrid_spec = sendgrid_stand_in(free_port(), tmp_path / "sendgrid")
    settings = {**settings, "sendgrid_api_base": sendgrid_spec.url}
    contact_spec = services.service(
        "contact", free_port(), tmp_path, environment_variables(settings)
    )
    sendgrid, user = StandInClient(sendgrid_spec.url, {}), new_user()
    async with (
        Bus.open(environment.nats_url, "contact") as bus,
        run_process(sendgrid_spec) as sendgrid_process,
    ):
        async with run_process(contact_spec) as contact_process:
            await sendgrid.add_fault("delay", seconds=60)
            await bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
            await eventually(sendgrid.all_faults_used)
            contact_process.kill()
        await asyncio.to_thread(sendgrid_process.kill)  # drops the delayed request

        async with environment.serve(create_app(ContactSettings(**settings))):
            mail = await only_mail()
            assert mail.state == MailState.QUEUED
            assert mail.next_attempt_at - mail.queued_at >= outgoing.LEASE

            await asyncio.to_thread(sendgrid_process.start)
            await mail.set({"next_attempt_at": utc_now()})  # ends the lease

            assert (await mail_in_state(MailState.SENT)).attempts == 2
            assert len(await sendgrid.get("/api/mails")) == 1


async def test_sender_finishes_mail_in_progress_before_shutdown(
    environment: TestEnvironment, settings: dict[str, Any], sendgrid: StandInClient
) -> None:
    user = new_user()
    await sendgrid.add_fault("delay", seconds=1, when="after")
    async with environment.serve(create_app(ContactSettings(**settings))) as contact:
        await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))
        await eventually(sendgrid.all_faults_used)

    async with environment.serve(create_app(ContactSettings(**settings))):
        assert (await only_mail()).state == MailState.SENT
        assert len(await sendgrid.get("/api/mails", to=user.email)) == 1


async def test_sender_sends_committed_mail_without_polling(
    contact: RunningService, sendgrid: StandInClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim() -> Mail:
        raise AssertionError("polled")

    monkeypatch.setattr(sender, "_claim", claim)
    user = new_user()

    await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))

    assert (await mail_in_state(MailState.SENT)).attempts == 1
    assert len(await sendgrid.get("/api/mails", to=user.email)) == 1


async def test_sender_sends_mail_that_the_full_queue_dropped(
    sign_up: SignUp, received_mails: ReceivedMails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "MAX_MAILS", 0)

    user = await sign_up()

    assert len(await received_mails(user, 1)) == 1
    assert (await only_mail()).attempts == 1


async def test_sender_leaves_committed_mail_whose_lease_ends_soon_to_others() -> None:
    now = utc_now()
    fields = {"template": "welcome", "user_id": new_id(), "to": "a@example.com", "variables": {}}
    late, early = (
        Mail.model_construct(**fields, next_attempt_at=now + seconds * outgoing.LEASE)
        for seconds in (0.4, 0.9)
    )
    with outgoing.outgoing_mails(lambda: None) as mails:
        mails.add(late)
        mails.add(early)

        assert mails.take() is early
        assert mails.take() is None


async def test_sender_releases_mails_in_the_queue_at_shutdown(
    environment: TestEnvironment, settings: dict[str, Any], sendgrid: StandInClient
) -> None:
    await sendgrid.add_fault("delay", seconds=3, times=MAX_CONCURRENT_REQUESTS)
    events = [new_event(UserSignedUp) for _ in range(MAX_CONCURRENT_REQUESTS + 3)]
    async with environment.serve(create_app(ContactSettings(**settings))) as contact:
        await contact.bus.publish(*events)
        await contact.bus.wait_until_handled(listeners)
        await eventually(sendgrid.all_faults_used)

    async with environment.serve(create_app(ContactSettings(**settings))):

        async def all_are_sent() -> bool:
            return await Mail.find({"state": MailState.SENT.value}).count() == len(events)

        started = time.monotonic()
        await eventually(all_are_sent)
        assert time.monotonic() - started < outgoing.LEASE.total_seconds() / 2
    for event in events:
        assert len(await sendgrid.get("/api/mails", to=event.email)) == 1


async def test_sender_sends_each_mail_once_at_two_replicas(
    contact: RunningService,
    settings: dict[str, Any],
    sendgrid: StandInClient,
    tmp_path: Path,
) -> None:
    users = [new_user() for _ in range(20)]
    variables = environment_variables(settings)
    async with run_process(services.service("contact", free_port(), tmp_path, variables)):
        for user in users:
            await contact.bus.publish(new_event(UserSignedUp, id=user.id, email=user.email))

        async def all_are_sent() -> bool:
            return await Mail.find({"state": MailState.SENT.value}).count() == 20

        await eventually(all_are_sent)
    for user in users:
        assert len(await sendgrid.get("/api/mails", to=user.email)) == 1


async def test_sender_uses_up_no_attempts_while_circuit_is_open(
    sendgrid: StandInClient, handle: Handle, received_mails: ReceivedMails
) -> None:
    started = time.monotonic()
    await sendgrid.add_fault("drop", times=1000)
    sign_ups = [new_event(UserSignedUp) for _ in range(20)]
    await handle(*sign_ups)

    async def trial_calls_have_failed() -> bool:
        return await total_attempts() >= circuit_breaker.FAILURE_THRESHOLD + 2

    await eventually(trial_calls_have_failed)
    await asyncio.sleep(2 * circuit_breaker.RECOVERY_SECONDS)
    attempts = await total_attempts()
    recoveries = (time.monotonic() - started) / circuit_breaker.RECOVERY_SECONDS

    await sendgrid.reset()

    for sign_up in sign_ups:
        user = SessionUser(id=sign_up.id, email=sign_up.email)
        assert len(await received_mails(user, 1)) == 1
    # One trial call per recovery, beside the first calls and those just claimed.
    limit = circuit_breaker.FAILURE_THRESHOLD + 2 * MAX_CONCURRENT_REQUESTS + recoveries
    assert attempts <= limit
