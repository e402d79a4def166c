import re
from datetime import timedelta
from typing import Any

import pytest
from services.contact.tests.conftest import Handle, ReceivedMails, SignUp

from contact.models import Mail
from ticketing_common.events import (
    CancelReason,
    DomainEvent,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    PaymentCreated,
    PaymentRefunded,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedIn,
    utc_now,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import eventually, new_event, new_id

HOSTILE_TITLE = '<script>alert("1")</script> & https://evil.example'


@pytest.fixture
async def seller(sign_up: SignUp) -> SessionUser:
    return await sign_up()


@pytest.fixture
async def buyer(sign_up: SignUp) -> SessionUser:
    return await sign_up()


@pytest.fixture
def events(seller: SessionUser, buyer: SessionUser) -> dict[str, DomainEvent]:
    """The events of one ticket and one order of it, by name."""
    ticket = {"id": new_id(), "title": "Concert", "price": 19.5}
    order = {"id": new_id(), "user_id": buyer.id, "ticket": ticket}
    return {
        "created": new_event(TicketCreated, **ticket, user_id=seller.id),
        "updated": new_event(
            TicketUpdated, **{**ticket, "title": "Opera"}, user_id=seller.id, version=1
        ),
        "deleted": new_event(TicketDeleted, id=ticket["id"], version=1),
        "ordered": new_event(OrderCreated, **order),
        "cancelled": new_event(OrderCancelled, **order, version=1, status="cancelled"),
        "completed": new_event(OrderCompleted, **order, version=2, status="complete"),
        "paid": new_event(PaymentCreated, order_id=order["id"], stripe_id="pi_42", version=1),
        "refunded": new_event(PaymentRefunded, order_id=order["id"], reason="ticket-gone"),
    }


def mail_with_subject(subject: str, mails: list[Any]) -> Any:
    """Return the mail with this subject. Mails that are sent concurrently have no order."""
    [mail] = [mail for mail in mails if mail["subject"] == subject]
    return mail


async def test_welcome_has_sender_recipient_and_link(
    user: SessionUser, received_mails: ReceivedMails
) -> None:
    [mail] = await received_mails(user, 1)

    assert mail["subject"] == "Welcome to ticketing"
    assert (mail["from"], mail["to"]) == ("sender@tickets.example", [user.email])
    assert "https://tickets.example\n" in mail["text"]
    assert '<a href="https://tickets.example">' in mail["html"]


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (UserSignedIn, "New sign-in to your account"),
        (UserChangedPassword, "Your password was changed"),
    ],
)
async def test_security_notices_link_to_password_reset(
    user: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
    event: type[DomainEvent],
    subject: str,
) -> None:
    await handle(new_event(event, id=user.id, version=1))

    mail = mail_with_subject(subject, await received_mails(user, 2))
    assert "https://tickets.example/forgot-password" in mail["text"]


@pytest.mark.parametrize(
    ("names", "subject", "text"),
    [
        (["created"], "For sale: Concert", '"Concert" is for sale at $19.50'),
        (["created", "updated"], "Changed: Opera", '"Opera" at $19.50'),
        (["created", "deleted"], "Deleted: Concert", "You have deleted your ticket"),
        (["created", "ordered", "completed"], "Sold: Concert", "was sold for $19.50"),
    ],
)
async def test_mails_to_seller(
    events: dict[str, DomainEvent],
    seller: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
    names: list[str],
    subject: str,
    text: str,
) -> None:
    await handle(*(events[name] for name in names))

    assert text in mail_with_subject(subject, await received_mails(seller, 2))["text"]


@pytest.mark.parametrize(
    ("names", "subject", "text"),
    [
        ([], "Reserved for you: Concert", "Pay $19.50 by then"),
        (["cancelled"], "Expired: Concert", "You did not pay for"),
        (["paid"], "Receipt: Concert", 'You have paid $19.50 for "Concert"'),
        (["refunded"], "Refunded: Concert", "$19.50"),
        (["created", "completed"], "Your ticket: Concert", "is yours"),
    ],
)
async def test_mails_to_buyer(
    events: dict[str, DomainEvent],
    buyer: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
    names: list[str],
    subject: str,
    text: str,
) -> None:
    await handle(*(events[name] for name in ["ordered", *names]))

    assert text in mail_with_subject(subject, await received_mails(buyer, 2))["text"]


async def test_mails_have_no_ids_of_providers_and_times_with_their_zone(
    events: dict[str, DomainEvent],
    buyer: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
) -> None:
    await handle(*(events[name] for name in ("created", "ordered", "paid", "completed")))
    await handle(events["refunded"])

    mails = await received_mails(buyer, 5)
    assert not any("pi_" in mail["text"] + mail["html"] for mail in mails)
    reserved = mail_with_subject("Reserved for you: Concert", mails)["text"]
    assert re.search(r"until \d\d:\d\d UTC\.", reserved)
    receipt = mail_with_subject("Receipt: Concert", mails)["text"]
    assert re.search(r'for "Concert" on \d{1,2} [A-Z][a-z]+ \d{4}\.', receipt)


async def test_payment_request_is_not_sent_after_the_time_to_pay(
    events: dict[str, DomainEvent], buyer: SessionUser, handle: Handle
) -> None:
    await handle(events["ordered"].model_copy(update={"expires_at": utc_now()}))

    async def error() -> str | None:
        mail = await Mail.find_one({"user_id": buyer.id, "template": "ticket_reserved"})
        return mail.error if mail is not None else None

    assert await eventually(error) == "Expired before it was sent"


@pytest.mark.parametrize(
    ("reason", "subject", "text"),
    [
        ("cancelled-by-buyer", "Cancelled: Concert", "You have cancelled"),
        ("expired", "Expired: Concert", 'You did not pay for "Concert" in time'),
        ("ticket-gone", "Cancelled: Concert", "The seller has deleted"),
    ],
)
async def test_order_cancelled_has_reason(
    events: dict[str, DomainEvent],
    buyer: SessionUser,
    handle: Handle,
    received_mails: ReceivedMails,
    reason: str,
    subject: str,
    text: str,
) -> None:
    cancelled = events["cancelled"].model_copy(update={"reason": CancelReason(reason)})

    await handle(events["ordered"], cancelled)

    mail = mail_with_subject(subject, await received_mails(buyer, 3))
    assert text in mail["text"]


async def test_reset_password_has_token_in_mail_only(
    user: SessionUser, handle: Handle, received_mails: ReceivedMails
) -> None:
    token = {"value": "s3cret-token", "expires_at": utc_now() + timedelta(minutes=15)}
    link = "https://tickets.example/reset-password?token=s3cret-token"

    await handle(new_event(UserForgotPassword, id=user.id, version=1, token=token))

    mail = mail_with_subject("Reset your password", await received_mails(user, 2))
    assert f"\n{link}\n" in mail["text"]
    assert f'<a href="{link}">' in mail["html"]
    log_entries = [entry.model_dump_json() for entry in await Mail.find_all().to_list()]
    assert len(log_entries) == 2
    assert "s3cret-token" not in "".join(log_entries)


async def test_templates_escape_hostile_title(
    seller: SessionUser, handle: Handle, received_mails: ReceivedMails
) -> None:
    await handle(new_event(TicketCreated, user_id=seller.id, title=HOSTILE_TITLE))

    mail = mail_with_subject(f"For sale: {HOSTILE_TITLE}", await received_mails(seller, 2))
    assert HOSTILE_TITLE in mail["text"]
    assert "<script" not in mail["html"]
    assert "&lt;script&gt;" in mail["html"]
    assert 'href="https://evil' not in mail["html"]
