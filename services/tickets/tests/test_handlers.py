from datetime import datetime
from typing import Any

import httpx
import pytest
from services.tickets.tests.requests import create_ticket, get_ticket

from ticketing_common.events import (
    DomainEvent,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    TicketUpdated,
    utc_now,
)
from ticketing_testing import RunningService, new_event, new_id
from tickets.handlers import listeners


class OrderEvents:
    """The events of one order of a ticket."""

    def __init__(self, ticket: Any) -> None:
        ordered = {name: ticket[name] for name in ("id", "title", "price")}
        self.id = new_id()
        self.expires_at = "2026-11-28T10:05:00Z"
        self.completed_at = "2026-11-28T10:04:30Z"
        self.created = new_event(
            OrderCreated, id=self.id, ticket=ordered, expires_at=self.expires_at
        )
        self.cancelled = new_event(OrderCancelled, id=self.id, version=1, ticket=ordered)
        self.completed = new_event(
            OrderCompleted, id=self.id, version=2, ticket=ordered, completed_at=self.completed_at
        )
        self.reserved = {"orderId": self.id, "reservedUntil": self.expires_at, "soldAt": None}
        self.sold = {"orderId": self.id, "reservedUntil": None, "soldAt": self.completed_at}


@pytest.fixture
async def ticket(seller_client: httpx.AsyncClient) -> Any:
    return await create_ticket(seller_client)


async def handle(tickets: RunningService, *events: DomainEvent) -> None:
    """Publish events and wait until they are handled."""
    await tickets.bus.publish(*events)
    await tickets.bus.wait_until_handled(listeners)


async def test_reserve_ticket_sets_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)

    await handle(tickets, order.created)

    reserved = await get_ticket(seller_client, ticket)
    assert reserved == ticket | order.reserved | {"version": 1}
    [event] = await tickets.bus.published(TicketUpdated)
    assert (event.version, event.order_id) == (1, order.id)


async def test_release_ticket_clears_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)

    await handle(tickets, order.created, order.cancelled)

    assert await get_ticket(seller_client, ticket) == ticket | {"version": 2}
    events = await tickets.bus.published(TicketUpdated, 2)
    assert [(event.version, event.order_id) for event in events] == [(1, order.id), (2, None)]


async def test_sell_ticket_keeps_order_and_stores_time(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)

    await handle(tickets, order.created, order.completed)

    sold = await get_ticket(seller_client, ticket)
    assert sold == ticket | order.sold | {"version": 2}
    [_, event] = await tickets.bus.published(TicketUpdated, 2)
    assert event.model_dump(mode="json", by_alias=True).items() >= order.sold.items()


async def test_sell_ticket_stores_its_own_time_without_one_in_the_event(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order, start = OrderEvents(ticket), utc_now()

    await handle(tickets, order.completed.model_copy(update={"completed_at": None}))

    sold = await get_ticket(seller_client, ticket)
    assert start <= datetime.fromisoformat(sold["soldAt"]) <= utc_now()


async def test_reserve_ticket_ignores_order_that_is_already_cancelled(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)

    await handle(tickets, order.cancelled)
    await handle(tickets, order.created)

    assert await get_ticket(seller_client, ticket) == ticket


async def test_sell_ticket_reserves_for_order_that_is_not_known_yet(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)

    await handle(tickets, order.completed)
    await handle(tickets, order.created)

    sold = await get_ticket(seller_client, ticket)
    assert sold == ticket | order.sold | {"version": 1}


async def test_reserve_ticket_waits_for_end_of_earlier_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    first, second = OrderEvents(ticket), OrderEvents(ticket)

    await handle(tickets, first.created)
    await handle(tickets, second.created, first.cancelled)

    reserved = await get_ticket(seller_client, ticket)
    assert reserved == ticket | second.reserved | {"version": 3}
    assert await tickets.bus.dead_letters() == []


async def test_reserve_ticket_keeps_the_live_one_of_two_concurrent_orders(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    first, second = OrderEvents(ticket), OrderEvents(ticket)

    await handle(tickets, first.created, second.created, first.cancelled)

    assert (await get_ticket(seller_client, ticket))["orderId"] == second.id


async def test_release_ticket_keeps_reservation_of_later_order(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    first, second = OrderEvents(ticket), OrderEvents(ticket)
    await handle(tickets, first.created, first.cancelled, second.created)

    await handle(tickets, first.cancelled)  # with a new event id

    assert (await get_ticket(seller_client, ticket))["orderId"] == second.id


@pytest.mark.parametrize("name", ["created", "cancelled", "completed"])
async def test_handlers_ignore_duplicate_events(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any, name: str
) -> None:
    order = OrderEvents(ticket)
    event = getattr(order, name)
    if name != "created":
        await tickets.bus.publish(order.created)
    event_id = await tickets.bus.publish(event)
    await tickets.bus.wait_until_handled(listeners)
    handled_once = await get_ticket(seller_client, ticket)

    await tickets.bus.publish(event, id=event_id, bypass_deduplication=True)
    await tickets.bus.wait_until_handled(listeners)

    assert await get_ticket(seller_client, ticket) == handled_once


async def test_handlers_accept_events_of_deleted_ticket(
    tickets: RunningService, seller_client: httpx.AsyncClient, ticket: Any
) -> None:
    order = OrderEvents(ticket)
    await seller_client.delete(f"/api/tickets/{ticket['id']}")

    await handle(tickets, order.created, order.cancelled, order.completed)

    assert await tickets.bus.dead_letters() == []
    assert (await seller_client.get(f"/api/tickets/{ticket['id']}")).status_code == 404


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_invalid_message_becomes_dead_letter(tickets: RunningService, event: Any) -> None:
    await tickets.bus.publish_raw(event, b'{"id": "nonsense"}')

    [dead_letter] = await tickets.bus.dead_letters(1)

    await tickets.bus.wait_until_handled(listeners)
    assert dead_letter.subject == f"dead-letter.tickets.{event.subject}"
