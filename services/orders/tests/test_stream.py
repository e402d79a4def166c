from typing import Any

import httpx
import pytest
from services.orders.tests.requests import create_order, get_order

from orders.app import create_app
from orders.handlers import listeners
from orders.settings import OrdersSettings
from ticketing_common.events import (
    PaymentCreated,
    PaymentFailed,
    PaymentStarted,
    TicketCreated,
    UserSessionEnded,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    new_event,
    new_id,
    new_user,
    next_millisecond,
    open_stream,
)


def stream_path(order: Any) -> str:
    return f"/api/orders/{order['id']}/stream"


async def test_stream_sends_current_order_and_each_change(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    async with open_stream(buyer_client, stream_path(order)) as stream:
        current = await stream.next_event()
        for event in (
            new_event(PaymentStarted, id=new_id(), order_id=order["id"]),
            new_event(PaymentFailed, id=new_id(), order_id=order["id"]),
            new_event(PaymentCreated, order_id=order["id"]),
        ):
            await orders.bus.publish(event)
            await orders.bus.wait_until_handled(listeners)
        events = [current, *await stream.next_events(3)]

    assert {event.name for event in events} == {"order"}
    statuses = ["created", "awaiting:payment", "awaiting:payment", "complete"]
    assert [event.data for event in events] == [
        order | {"status": status, "version": version} for version, status in enumerate(statuses)
    ]
    assert events[-1].data == await get_order(buyer_client, order)


async def test_stream_sends_current_order_after_reconnect(
    buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    async with open_stream(buyer_client, stream_path(order)) as stream:
        assert (await stream.next_event()).data == order

    await buyer_client.delete(f"/api/orders/{order['id']}")

    async with open_stream(buyer_client, stream_path(order)) as stream:
        changes = {"status": "cancelled", "version": 1, "reason": "cancelled-by-buyer"}
        assert (await stream.next_event()).data == order | changes


async def test_stream_sends_same_events_at_every_replica(
    environment: TestEnvironment,
    buyer: SessionUser,
    buyer_client: httpx.AsyncClient,
    ticket: TicketCreated,
) -> None:
    order = await create_order(buyer_client, ticket)
    settings = OrdersSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as second_replica:
        second_client = await second_replica.client(buyer)
        async with (
            open_stream(buyer_client, stream_path(order)) as first_stream,
            open_stream(second_client, stream_path(order)) as second_stream,
        ):
            assert await first_stream.next_event() == await second_stream.next_event()

            await buyer_client.delete(f"/api/orders/{order['id']}")

            cancelled = await first_stream.next_event()
            assert cancelled == await second_stream.next_event()
            assert cancelled.data["status"] == "cancelled"


async def test_stream_sends_no_change_of_another_order(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    other_ticket = new_event(TicketCreated)
    await orders.bus.publish(other_ticket)
    await orders.bus.wait_until_handled(listeners)
    other_client = await orders.client(new_user())

    async with open_stream(buyer_client, stream_path(order)) as stream:
        await stream.next_event()
        other_order = await create_order(other_client, other_ticket)
        await other_client.delete(f"/api/orders/{other_order['id']}")
        await buyer_client.delete(f"/api/orders/{order['id']}")
        event = await stream.next_event()

    assert (event.data["id"], event.data["status"]) == (order["id"], "cancelled")


async def test_stream_checks_in_order_of_contract(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await create_order(buyer_client, ticket)
    other_client = await orders.client(new_user())
    anonymous_client = await orders.client()

    async def error(client: httpx.AsyncClient, order_id: str) -> tuple[int, str, str]:
        response = await client.get(f"/api/orders/{order_id}/stream")
        [error] = response.json()["errors"]
        return response.status_code, error["code"], error["message"]

    not_signed_in = (401, "not_signed_in", "Not authorized")
    assert await error(anonymous_client, "x") == not_signed_in
    assert await error(anonymous_client, order["id"]) == not_signed_in
    assert (await error(other_client, "x"))[:2] == (400, "invalid_id")
    assert await error(other_client, new_id()) == (404, "not_found", "Not found")
    assert await error(other_client, order["id"]) == (401, "not_owner", "Not authorized")


async def test_stream_ends_soon_after_session(
    monkeypatch: pytest.MonkeyPatch,
    orders: RunningService,
    buyer_client: httpx.AsyncClient,
    buyer: SessionUser,
    ticket: TicketCreated,
) -> None:
    order = await create_order(buyer_client, ticket)
    async with open_stream(buyer_client, stream_path(order)) as stream:
        await stream.next_event()
        event = new_event(UserSessionEnded, id=buyer.id, ended_at=next_millisecond())
        await orders.bus.publish(event)
        assert await stream.wait_until_closed()

    assert (await buyer_client.get(stream_path(order))).status_code == 401
