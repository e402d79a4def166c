import httpx
import pytest
from services.orders.tests.requests import create_order, get_order

from orders.handlers import listeners
from ticketing_common.events import (
    PaymentCreated,
    PaymentStarted,
    TicketCreated,
    UserSessionEnded,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import (
    RunningService,
    eventually,
    new_event,
    new_id,
    new_user,
    next_millisecond,
    open_stream,
)

STREAM = "/api/orders/stream"


async def last_event_id(client: httpx.AsyncClient, path: str = "/api/orders") -> str:
    """Return the `Last-Event-ID` of a response, once the service has read its stream."""

    async def header() -> str:
        return str((await client.get(path)).headers.get("Last-Event-ID", ""))

    return await eventually(header)


async def publish_ticket(orders: RunningService) -> TicketCreated:
    ticket = new_event(TicketCreated)
    await orders.bus.publish(ticket)
    await orders.bus.wait_until_handled(listeners)
    return ticket


async def test_stream_sends_each_change_of_the_callers_orders_and_no_other(
    orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    other_client = await orders.client(new_user())
    other_ticket, second_ticket = await publish_ticket(orders), await publish_ticket(orders)
    position = await last_event_id(buyer_client)

    async with open_stream(buyer_client, STREAM, lastEventId=position) as stream:
        order = await create_order(buyer_client, ticket)
        events = await stream.next_events(1)
        other_order = await create_order(other_client, other_ticket)
        for event in (
            new_event(PaymentStarted, id=new_id(), order_id=other_order["id"]),
            new_event(PaymentStarted, id=new_id(), order_id=order["id"]),
            new_event(PaymentCreated, order_id=order["id"]),
        ):
            await orders.bus.publish(event)
            await orders.bus.wait_until_handled(listeners)
            if event.order_id == order["id"]:
                events += await stream.next_events(1)
        second_order = await create_order(buyer_client, second_ticket)
        events += await stream.next_events(1)

    assert {event.name for event in events} == {"order"}
    assert [event.data for event in events] == [
        order,
        order | {"status": "awaiting:payment", "version": 1},
        await get_order(buyer_client, order),
        second_order,
    ]


@pytest.mark.parametrize("of_one_order", [False, True])
async def test_stream_continues_after_the_state_that_the_client_has(
    buyer_client: httpx.AsyncClient, ticket: TicketCreated, of_one_order: bool
) -> None:
    before = await last_event_id(buyer_client)
    order = await create_order(buyer_client, ticket)
    async with open_stream(buyer_client, STREAM, lastEventId=before) as stream:
        assert (await stream.next_event()).data == order
    path = f"/api/orders/{order['id']}" if of_one_order else "/api/orders"
    position = await last_event_id(buyer_client, path)
    await buyer_client.delete(f"/api/orders/{order['id']}")

    async with open_stream(buyer_client, STREAM, lastEventId=position) as stream:
        changes = {"status": "cancelled", "version": 1, "reason": "cancelled-by-buyer"}
        event = await stream.next_event()

    assert event.data == order | changes
    assert int(event.id or "") > int(position)


async def test_stream_without_a_known_position_starts_with_reset(
    buyer_client: httpx.AsyncClient,
) -> None:
    await last_event_id(buyer_client)
    async with open_stream(buyer_client, STREAM) as stream:
        assert (await stream.next_event()).name == "reset"


async def test_stream_needs_a_session_and_ends_soon_after_it(
    orders: RunningService,
    buyer_client: httpx.AsyncClient,
    buyer: SessionUser,
) -> None:
    async with open_stream(buyer_client, STREAM) as stream:
        event = new_event(UserSessionEnded, id=buyer.id, ended_at=next_millisecond())
        await orders.bus.publish(event)
        assert await stream.wait_until_closed()

    for client in (buyer_client, await orders.client()):
        response = await client.get(STREAM)
        assert response.status_code == 401
        assert response.json()["errors"][0]["code"] == "not_signed_in"
