"""Each event is a mail, to whom it concerns, in words that tell what they need."""

from datetime import timedelta
from typing import Any

import pytest

from contact.models import Mail, MailState
from contact.rendering import letter
from ticketing_common.events import (
    CancelReason,
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
from ticketing_testing import new_event, new_id

HOSTILE = '<script>alert("1")</script> & https://evil.example'


@pytest.fixture
async def seller(join: Any) -> Any:
    return await join()


@pytest.fixture
async def buyer(join: Any) -> Any:
    return await join()


@pytest.fixture
def sale(seller: Any, buyer: Any) -> dict[str, Any]:
    """Events of one ticket and one order for it, by name."""
    ticket = {"id": new_id(), "title": "Concert", "price": 19.5}
    order = {"id": new_id(), "user_id": buyer.id, "ticket": ticket}
    return {
        "created": new_event(TicketCreated, **ticket, user_id=seller.id),
        "renamed": new_event(
            TicketUpdated, **{**ticket, "title": "Opera"}, user_id=seller.id, version=1
        ),
        "deleted": new_event(TicketDeleted, id=ticket["id"], version=1),
        "ordered": new_event(OrderCreated, **order),
        "cancelled": new_event(OrderCancelled, **order, version=1, status="cancelled"),
        "completed": new_event(OrderCompleted, **order, version=2, status="complete"),
        "paid": new_event(PaymentCreated, order_id=order["id"], stripe_id="pi_42", version=1),
        "refunded": new_event(PaymentRefunded, order_id=order["id"], reason="ticket-gone"),
    }


def about(subject: str, mails: list[Any]) -> Any:
    """The one with this subject: what is sent side by side may arrive in any order."""
    (mail,) = [mail for mail in mails if mail["subject"] == subject]
    return mail


async def test_somebody_new_is_welcome(user: Any, received: Any) -> None:
    (mail,) = await received(user, 1)
    assert mail["subject"] == "Welcome to ticketing"
    assert (mail["from"], mail["to"]) == ("market@tickets.example", [user.email])
    assert "https://tickets.example\n" in mail["text"]
    assert '<a href="https://tickets.example">' in mail["html"]


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (UserSignedIn, "New sign-in to your account"),
        (UserChangedPassword, "Your password was changed"),
    ],
)
async def test_what_happens_to_an_account_is_told_to_its_owner(
    user: Any, said: Any, received: Any, event: Any, subject: str
) -> None:
    await said(new_event(event, id=user.id, version=1))
    mail = about(subject, await received(user, 2))
    assert "https://tickets.example/forgot-password" in mail["text"]


@pytest.mark.parametrize(
    ("names", "subject", "words"),
    [
        (["created"], "For sale: Concert", '"Concert" is for sale at $19.50'),
        (["created", "renamed"], "Changed: Opera", '"Opera" at $19.50'),
        (["created", "deleted"], "Withdrawn: Concert", "no longer for sale"),
        (["created", "ordered", "completed"], "Sold: Concert", "was sold for $19.50"),
    ],
)
async def test_the_seller_is_told(
    sale: Any, seller: Any, said: Any, received: Any, names: list[str], subject: str, words: str
) -> None:
    await said(*(sale[name] for name in names))
    assert words in about(subject, await received(seller, 2))["text"]


@pytest.mark.parametrize(
    ("names", "subject", "words"),
    [
        ([], "Held for you: Concert", "Pay $19.50 by then"),
        (["cancelled"], "Cancelled: Concert", "was not paid for in time"),
        (["paid"], "Receipt: Concert", 'You have paid $19.50 for "Concert"'),
        (["refunded"], "Refunded: Concert", "$19.50"),
        (["created", "completed"], "Yours: Concert", "is yours"),
    ],
)
async def test_the_buyer_is_told(
    sale: Any, buyer: Any, said: Any, received: Any, names: list[str], subject: str, words: str
) -> None:
    await said(*(sale[name] for name in ["ordered", *names]))
    assert words in about(subject, await received(buyer, 2))["text"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("cancelled-by-buyer", "You have cancelled"),
        ("expired", "was not paid for in time"),
        ("ticket-gone", "The seller has withdrawn"),
    ],
)
async def test_a_cancellation_says_why(
    sale: Any, buyer: Any, said: Any, received: Any, reason: str, words: str
) -> None:
    await said(
        sale["ordered"], sale["cancelled"].model_copy(update={"reason": CancelReason(reason)})
    )
    assert words in about("Cancelled: Concert", await received(buyer, 3))["text"]


async def test_that_somebody_holds_a_ticket_is_no_news_to_its_seller(
    sale: Any, seller: Any, said: Any, received: Any
) -> None:
    held = new_event(
        TicketUpdated, **{**sale["created"].model_dump(), "version": 1, "order_id": new_id()}
    )
    await said(sale["created"], held)
    assert len(await received(seller, 2)) == 2


async def test_the_reset_link_carries_the_token_and_the_log_forgets_it(
    user: Any, said: Any, received: Any
) -> None:
    token = {"value": "s3cret-token", "expires_at": utc_now() + timedelta(minutes=15)}
    await said(new_event(UserForgotPassword, id=user.id, version=1, token=token))

    mail = about("Choose a new password", await received(user, 2))

    link = "https://tickets.example/reset-password?token=s3cret-token"
    assert f"\n{link}\n" in mail["text"]
    assert f'<a href="{link}">' in mail["html"]
    entries = [entry.model_dump_json() for entry in await Mail.find_all().to_list()]
    assert len(entries) == 2
    assert "s3cret-token" not in "".join(entries)


async def test_a_reset_link_is_not_sent_once_it_is_of_no_use(
    user: Any, said: Any, received: Any
) -> None:
    token = {"value": "s3cret-token", "expires_at": utc_now() - timedelta(seconds=1)}
    await said(new_event(UserForgotPassword, id=user.id, version=1, token=token))

    assert len(await received(user, 1)) == 1
    entry = await Mail.find_one({"template": "reset_password"})
    assert entry is not None
    assert (entry.state, entry.error, entry.secret) == (MailState.FAILED, "Too late", None)


async def test_the_log_tells_of_each_mail_what_became_of_it(user: Any, received: Any) -> None:
    (mail,) = await received(user, 1)
    (entry,) = await Mail.find_all().to_list()
    assert (entry.user_id, entry.to, entry.template) == (user.id, user.email, "welcome")
    assert (entry.state, entry.tries, entry.error) == (MailState.SENT, 1, None)
    assert entry.message_id == mail["messageId"]
    assert mail["customArgs"] == {"mail_id": str(entry.id)}


async def test_a_hostile_title_is_text_and_nothing_else(
    seller: Any, said: Any, received: Any
) -> None:
    await said(new_event(TicketCreated, user_id=seller.id, title=HOSTILE))

    mail = about(f"For sale: {HOSTILE}", await received(seller, 2))

    assert HOSTILE in mail["text"]
    assert "<script" not in mail["html"]
    assert "&lt;script&gt;" in mail["html"]
    assert 'href="https://evil' not in mail["html"]


def test_a_title_of_several_lines_stays_in_its_place() -> None:
    mail = listed("Concert\r\n\r\nhttps://tickets.example.evil/", "1.00")

    written = letter(mail, "https://tickets.example", "usd")

    assert written.subject == "For sale: Concert https://tickets.example.evil/"
    assert written.text.startswith('Your ticket "Concert https://tickets.example.evil/" is')
    assert 'href="https://tickets.example.evil' not in written.html


@pytest.mark.parametrize(
    ("noted", "currency", "read"),
    [
        ("1250.00", "usd", "$1250.00"),
        ("1250.00", "eur", "1250.00 EUR"),
        ("$1250.00", "usd", "$1250.00"),
    ],
    ids=["in dollars", "in another currency", "queued by the version before"],
)
def test_a_mail_names_the_currency_that_is_charged(noted: str, currency: str, read: str) -> None:
    written = letter(listed("Concert", noted), "https://tickets.example", currency)
    assert f"is for sale at {read}." in written.text


def listed(title: str, price: str) -> Mail:
    facts = {"title": title, "price": price}
    return Mail(template="ticket_listed", user_id=new_id(), to="seller@example.com", facts=facts)
