from typing import Any

import httpx
import pytest
from services.tickets.tests.offers import look, offer

from ticketing_common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
    UserChangedPassword,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, new_event, new_id, next_millisecond
from tickets.handlers import listeners


class Order:
    """An order's events, for one ticket."""

    def __init__(self, ticket: Any) -> None:
        ordered = {name: ticket[name] for name in ("id", "title", "price")}
        self.id = new_id()
        self.created = new_event(OrderCreated, id=self.id, ticket=ordered)
        self.cancelled = new_event(OrderCancelled, id=self.id, version=1, ticket=ordered)
        self.completed = new_event(OrderCompleted, id=self.id, version=2, ticket=ordered)


async def test_an_order_holds_the_ticket(tickets: RunningService, shop: httpx.AsyncClient) -> None:
    ticket = await offer(shop)
    order = Order(ticket)

    await tickets.bus.publish(order.created)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == ticket | {"orderId": order.id, "version": 1}
    [told] = await tickets.bus.published(TicketUpdated)
    assert (told.version, told.order_id) == (1, order.id)


async def test_a_cancelled_order_frees_it(tickets: RunningService, shop: httpx.AsyncClient) -> None:
    ticket = await offer(shop)
    order = Order(ticket)

    await tickets.bus.publish(order.created, order.cancelled)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == ticket | {"version": 2}
    told = await tickets.bus.published(TicketUpdated, 2)
    assert [(event.version, event.order_id) for event in told] == [(1, order.id), (2, None)]


async def test_a_completed_order_keeps_it(tickets: RunningService, shop: httpx.AsyncClient) -> None:
    ticket = await offer(shop)
    order = Order(ticket)

    await tickets.bus.publish(order.created, order.completed)
    await tickets.bus.wait_until_handled(listeners)

    assert (await look(shop, ticket))["orderId"] == order.id


async def test_an_order_that_was_cancelled_before_we_heard_of_it_holds_nothing(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    order = Order(ticket)

    await tickets.bus.publish(order.cancelled)
    await tickets.bus.wait_until_handled(listeners)
    await tickets.bus.publish(order.created)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == ticket


async def test_an_order_that_was_completed_before_we_heard_of_it_holds_the_ticket(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    order = Order(ticket)

    await tickets.bus.publish(order.completed)
    await tickets.bus.wait_until_handled(listeners)
    await tickets.bus.publish(order.created)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == ticket | {"orderId": order.id, "version": 1}


async def test_the_next_order_waits_for_the_end_of_the_one_before(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    first, second = Order(ticket), Order(ticket)

    await tickets.bus.publish(first.created)
    await tickets.bus.wait_until_handled(listeners)
    await tickets.bus.publish(second.created, first.cancelled)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == ticket | {"orderId": second.id, "version": 3}
    assert await tickets.bus.dead_letters() == []


async def test_of_two_orders_heard_at_once_the_one_that_goes_on_holds_the_ticket(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    first, second = Order(ticket), Order(ticket)

    await tickets.bus.publish(first.created, second.created, first.cancelled)
    await tickets.bus.wait_until_handled(listeners)

    assert (await look(shop, ticket))["orderId"] == second.id


async def test_the_end_of_an_order_before_does_not_free_what_the_next_one_holds(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    first, second = Order(ticket), Order(ticket)
    await tickets.bus.publish(first.created, first.cancelled, second.created)
    await tickets.bus.wait_until_handled(listeners)

    await tickets.bus.publish(first.cancelled)  # again, under an id of its own
    await tickets.bus.wait_until_handled(listeners)

    assert (await look(shop, ticket))["orderId"] == second.id


@pytest.mark.parametrize("name", ["created", "cancelled", "completed"])
async def test_an_event_twice_is_an_event_once(
    tickets: RunningService, shop: httpx.AsyncClient, name: str
) -> None:
    ticket = await offer(shop)
    order = Order(ticket)
    event = getattr(order, name)
    if name != "created":
        await tickets.bus.publish(order.created)
    event_id = await tickets.bus.publish(event)
    await tickets.bus.wait_until_handled(listeners)
    once = await look(shop, ticket)

    await tickets.bus.publish(event, id=event_id, bypass_deduplication=True)
    await tickets.bus.wait_until_handled(listeners)

    assert await look(shop, ticket) == once


async def test_an_order_for_a_ticket_that_is_gone_is_taken_note_of(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    ticket = await offer(shop)
    order = Order(ticket)
    await shop.delete(f"/api/tickets/{ticket['id']}")

    await tickets.bus.publish(order.created, order.cancelled, order.completed)
    await tickets.bus.wait_until_handled(listeners)

    assert await tickets.bus.dead_letters() == []
    assert (await shop.get(f"/api/tickets/{ticket['id']}")).status_code == 404


async def test_a_changed_password_ends_the_sessions_from_before(
    tickets: RunningService, shop: httpx.AsyncClient, seller: SessionUser
) -> None:
    await tickets.bus.publish(
        new_event(UserChangedPassword, id=seller.id, changed_at=next_millisecond())
    )
    await tickets.bus.wait_until_handled(listeners)

    assert (await shop.get("/api/tickets?seller=me")).status_code == 401


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_what_cannot_be_read_is_a_dead_letter(tickets: RunningService, event: Any) -> None:
    await tickets.bus.publish_raw(event, b'{"id": "nonsense"}')

    [letter] = await tickets.bus.dead_letters(1)
    await tickets.bus.wait_until_handled(listeners)

    assert letter.subject == f"dead-letter.tickets.{event.subject}"
