from typing import Any

import httpx
import pytest
from services.orders.tests.counters import look, place

from orders.app import create_app
from orders.handlers import listeners
from orders.settings import OrdersSettings
from ticketing_common.events import (
    PaymentCreated,
    PaymentFailed,
    PaymentStarted,
    TicketCreated,
    UserChangedPassword,
    utc_now,
)
from ticketing_common.web import server_sent_events
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import (
    RunningService,
    TestEnvironment,
    new_event,
    new_id,
    new_user,
    open_stream,
)


def stream_of(order: Any) -> str:
    return f"/api/orders/{order['id']}/stream"


async def test_it_begins_with_the_order_as_it_is_and_tells_each_change(
    orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await place(desk, ticket)
    async with open_stream(desk, stream_of(order)) as stream:
        begun = await stream.next_event()
        for event in (
            new_event(PaymentStarted, id=new_id(), order_id=order["id"]),
            new_event(PaymentFailed, id=new_id(), order_id=order["id"]),
            new_event(PaymentCreated, order_id=order["id"]),
        ):
            await orders.bus.publish(event)
            await orders.bus.wait_until_handled(listeners)
        told = [begun, *await stream.next_events(3)]

    assert {each.name for each in told} == {"order"}
    statuses = ["created", "awaiting:payment", "awaiting:payment", "complete"]
    assert [each.data for each in told] == [
        order | {"status": status, "version": version} for version, status in enumerate(statuses)
    ]
    assert told[-1].data == await look(desk, order)


async def test_who_reconnects_sees_what_became_of_the_order(
    desk: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await place(desk, ticket)
    async with open_stream(desk, stream_of(order)) as stream:
        assert (await stream.next_event()).data == order
    await desk.delete(f"/api/orders/{order['id']}")

    async with open_stream(desk, stream_of(order)) as stream:
        ended = {"status": "cancelled", "version": 1, "reason": "cancelled-by-buyer"}
        assert (await stream.next_event()).data == order | ended


async def test_every_replica_tells(
    environment: TestEnvironment,
    orders: RunningService,
    buyer: SessionUser,
    desk: httpx.AsyncClient,
    ticket: TicketCreated,
) -> None:
    order = await place(desk, ticket)
    settings = OrdersSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as second:
        elsewhere = await second.client(buyer)
        async with (
            open_stream(desk, stream_of(order)) as here,
            open_stream(elsewhere, stream_of(order)) as there,
        ):
            assert await here.next_event() == await there.next_event()
            await desk.delete(f"/api/orders/{order['id']}")
            ended = await here.next_event()
            assert ended == await there.next_event()
            assert ended.data["status"] == "cancelled"


async def test_nothing_is_told_of_another_order(
    orders: RunningService, desk: httpx.AsyncClient, buyer: SessionUser, ticket: TicketCreated
) -> None:
    order = await place(desk, ticket)
    another = new_event(TicketCreated)
    await orders.bus.publish(another)
    await orders.bus.wait_until_handled(listeners)
    other = await orders.client(new_user())

    async with open_stream(desk, stream_of(order)) as stream:
        await stream.next_event()
        theirs = await place(other, another)
        await other.delete(f"/api/orders/{theirs['id']}")
        await desk.delete(f"/api/orders/{order['id']}")
        told = await stream.next_event()

    assert (told.data["id"], told.data["status"]) == (order["id"], "cancelled")


async def test_it_asks_in_the_order_of_the_contract(
    orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
) -> None:
    order = await place(desk, ticket)
    other = await orders.client(new_user())
    nobody = await orders.client()

    async def refusal(who: httpx.AsyncClient, order_id: str) -> tuple[int, str]:
        response = await who.get(f"/api/orders/{order_id}/stream")
        return response.status_code, response.json()["errors"][0]["message"]

    assert await refusal(nobody, "x") == (401, "Not authorized")
    assert await refusal(nobody, order["id"]) == (401, "Not authorized")
    assert (await refusal(other, "x"))[0] == 400
    assert await refusal(other, new_id()) == (404, "Not found")
    assert await refusal(other, order["id"]) == (401, "Not authorized")


async def test_it_ends_soon_after_the_session(
    monkeypatch: pytest.MonkeyPatch,
    orders: RunningService,
    desk: httpx.AsyncClient,
    buyer: SessionUser,
    ticket: TicketCreated,
) -> None:
    monkeypatch.setattr(server_sent_events, "SESSION_SECONDS", 0.05)
    order = await place(desk, ticket)
    async with open_stream(desk, stream_of(order)) as stream:
        await stream.next_event()
        await orders.bus.publish(new_event(UserChangedPassword, id=buyer.id, changed_at=utc_now()))
        assert await stream.wait_until_closed()

    assert (await desk.get(stream_of(order))).status_code == 401
