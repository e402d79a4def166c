"""One mail an event, whatever is doubled, reordered or unreadable on its way."""

from typing import Any

import pytest

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
from ticketing_testing import RunningService, eventually, new_event, new_id, new_user


def a_sale() -> tuple[Any, Any, list[DomainEvent]]:
    """Seller, buyer and every event from their signing up to the ticket's change of hands."""
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


SELLERS = ["Changed: Concert", "For sale: Concert", "Sold: Concert", "Welcome to ticketing"]
BUYERS = [
    "Held for you: Concert",
    "New sign-in to your account",
    "Receipt: Concert",
    "Welcome to ticketing",
    "Yours: Concert",
]


async def subjects(received: Any, user: Any, count: int) -> list[str]:
    return sorted(mail["subject"] for mail in await received(user, count))


@pytest.mark.parametrize("order", ["as it was", "backwards", "odd ones first"])
async def test_in_whatever_order_events_come_everybody_gets_their_mails(
    contact: RunningService, said: Any, received: Any, order: str
) -> None:
    seller, buyer, events = a_sale()
    orders = {
        "as it was": events,
        "backwards": events[::-1],
        "odd ones first": events[1::2] + events[::2],
    }

    await said(*orders[order])

    assert await subjects(received, seller, 4) == SELLERS
    assert await subjects(received, buyer, 5) == BUYERS
    assert await contact.bus.dead_letters() == []


async def test_events_that_come_twice_are_one_mail_and_one_entry_each(
    contact: RunningService, said: Any, received: Any
) -> None:
    seller, buyer, events = a_sale()
    for event in events:
        event_id = await contact.bus.publish(event)
        await contact.bus.publish(event, id=event_id, bypass_deduplication=True)
    await said()
    assert await subjects(received, seller, 4) == SELLERS
    assert await subjects(received, buyer, 5) == BUYERS
    assert await Mail.count() == 9


async def test_a_version_that_the_bus_has_forgotten_holds_up_nothing(
    user: Any, said: Any, received: Any
) -> None:
    """UserForgotPassword, say, which it keeps for some minutes alone."""
    await said(
        new_event(UserSignedIn, id=user.id, version=2),
        new_event(UserChangedPassword, id=user.id, version=5),
    )
    assert len(await received(user, 3)) == 3


async def test_what_nobody_has_told_us_of_yet_is_waited_for(
    contact: RunningService, said: Any, received: Any
) -> None:
    buyer, order_id = new_user(), new_id()
    ticket = {"id": new_id(), "title": "Concert", "price": 25}
    order = {"id": order_id, "user_id": buyer.id, "ticket": ticket}
    await contact.bus.publish(
        new_event(OrderCancelled, **order, version=1, status="cancelled"),
        new_event(OrderCreated, **order),
    )

    async def waits() -> bool:
        info = await contact.bus.js.consumer_info("ORDER", "contact")
        return bool(info.num_redelivered == 2)

    await eventually(waits)
    assert await Mail.count() == 0
    assert await contact.bus.dead_letters() == []

    await said(new_event(UserSignedUp, id=buyer.id, email=buyer.email))
    assert len(await received(buyer, 3)) == 3


@pytest.mark.parametrize("event", [row.event for row in listeners])
async def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nothing(
    contact: RunningService, join: Any, received: Any, event: type[DomainEvent]
) -> None:
    await contact.bus.publish_raw(event, b'{"id": "not an id"}')
    user = await join()

    assert len(await received(user, 1)) == 1
    (letter,) = await contact.bus.dead_letters(1)
    assert letter.data == b'{"id": "not an id"}'
    assert letter.headers is not None
    assert letter.headers["Dead-Letter-Subject"] == event.subject
    assert f"Not a {event.__name__}: id: " in letter.headers["Dead-Letter-Cause"]
