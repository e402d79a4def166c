from typing import Any

import pytest
from services.contact.tests.conftest import Handle, ReceivedMails, SignUp

from contact.handlers import listeners
from contact.models import Mail
from ticketing_common.events import (
    DomainEvent,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    PaymentCreated,
    TicketCreated,
    TicketUpdated,
    UserChangedPassword,
    UserSignedIn,
    UserSignedUp,
)
from ticketing_common.persistence import parked_events
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, eventually, new_event, new_id, new_user

SELLER_SUBJECTS = [
    "Changed: Concert",
    "For sale: Concert",
    "Sold: Concert",
    "Welcome to ticketing",
]
BUYER_SUBJECTS = [
    "New sign-in to your account",
    "Receipt: Concert",
    "Reserved for you: Concert",
    "Welcome to ticketing",
    "Your ticket: Concert",
]


def purchase() -> tuple[SessionUser, SessionUser, list[DomainEvent]]:
    """Return seller, buyer and all events from their sign-ups to the sale of a ticket."""
    seller, buyer, order_id = new_user(), new_user(), new_id()
    ticket = {"id": new_id(), "title": "Concert", "price": 25}
    order = {"id": order_id, "user_id": buyer.id, "ticket": ticket}
    return (
        seller,
        buyer,
        [
            new_event(UserSignedUp, id=seller.id, email=seller.email),
            new_event(UserSignedUp, id=buyer.id, email=buyer.email),
            new_event(UserSignedIn, id=buyer.id, version=1),
            new_event(TicketCreated, **ticket, user_id=seller.id),
            new_event(TicketUpdated, **{**ticket, "price": 30}, user_id=seller.id, version=1),
            new_event(OrderCreated, **order),
            new_event(PaymentCreated, order_id=order_id),
            new_event(OrderCompleted, **order, version=2, status="complete"),
        ],
    )


async def received_subjects(
    received_mails: ReceivedMails, user: SessionUser, count: int
) -> list[str]:
    return sorted(mail["subject"] for mail in await received_mails(user, count))


@pytest.mark.parametrize("order", ["in order", "reversed", "odd ones first"])
async def test_handlers_queue_same_mails_for_events_in_any_order(
    contact: RunningService, handle: Handle, received_mails: ReceivedMails, order: str
) -> None:
    seller, buyer, events = purchase()
    orders = {
        "in order": events,
        "reversed": events[::-1],
        "odd ones first": events[1::2] + events[::2],
    }

    await handle(*orders[order])

    assert await received_subjects(received_mails, seller, 4) == SELLER_SUBJECTS
    assert await received_subjects(received_mails, buyer, 5) == BUYER_SUBJECTS
    assert await contact.bus.dead_letters() == []


async def test_handlers_queue_one_mail_for_duplicate_events(
    contact: RunningService, handle: Handle, received_mails: ReceivedMails
) -> None:
    seller, buyer, events = purchase()

    for event in events:
        event_id = await contact.bus.publish(event)
        await contact.bus.publish(event, id=event_id, bypass_deduplication=True)
    await handle()

    assert await received_subjects(received_mails, seller, 4) == SELLER_SUBJECTS
    assert await received_subjects(received_mails, buyer, 5) == BUYER_SUBJECTS
    assert await Mail.count() == 9


async def test_handlers_wait_for_no_version_of_a_user(
    user: SessionUser, handle: Handle, received_mails: ReceivedMails
) -> None:
    """The bus keeps one of the versions, UserForgotPassword, for minutes only."""
    await handle(
        new_event(UserSignedIn, id=user.id, version=2),
        new_event(UserChangedPassword, id=user.id, version=5),
    )

    assert len(await received_mails(user, 3)) == 3


async def test_handlers_wait_for_event_that_creates_recipient(
    contact: RunningService, handle: Handle, received_mails: ReceivedMails
) -> None:
    buyer, order_id = new_user(), new_id()
    ticket = {"id": new_id(), "title": "Concert", "price": 25}
    order = {"id": order_id, "user_id": buyer.id, "ticket": ticket}
    await contact.bus.publish(
        new_event(OrderCancelled, **order, version=1, status="cancelled"),
        new_event(OrderCreated, **order),
    )

    async def both_are_parked() -> bool:
        return await parked_events.count() == 2

    await eventually(both_are_parked)
    assert await Mail.count() == 0
    assert await contact.bus.dead_letters() == []

    await handle(new_event(UserSignedUp, id=buyer.id, email=buyer.email))

    assert len(await received_mails(buyer, 3)) == 3


async def test_confirm_ticket_update_ignores_reservation(
    sign_up: SignUp, handle: Handle, received_mails: ReceivedMails
) -> None:
    seller = await sign_up()
    created = new_event(TicketCreated, user_id=seller.id)
    reserved = new_event(
        TicketUpdated, **{**created.model_dump(mode="json"), "version": 1, "order_id": new_id()}
    )

    await handle(created, reserved)

    assert len(await received_mails(seller, 2)) == 2


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_invalid_message_becomes_dead_letter_and_blocks_no_other(
    contact: RunningService, sign_up: SignUp, received_mails: ReceivedMails, event: Any
) -> None:
    await contact.bus.publish_raw(event, b'{"id": "not an id"}')
    user = await sign_up()

    assert len(await received_mails(user, 1)) == 1
    [dead_letter] = await contact.bus.dead_letters(1)
    assert dead_letter.data == b'{"id": "not an id"}'
    assert dead_letter.headers is not None
    assert dead_letter.headers["Dead-Letter-Subject"] == event.subject
    assert f"Invalid {event.__name__}: id: " in dead_letter.headers["Dead-Letter-Cause"]
