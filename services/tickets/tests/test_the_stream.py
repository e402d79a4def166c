from operator import itemgetter

import httpx
from services.tickets.tests.offers import look, offer

from ticketing_common.events import OrderCancelled, OrderCreated
from ticketing_testing import (
    RunningService,
    ServerSentEvent,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    open_stream,
)
from tickets.app import create_app
from tickets.handlers import listeners
from tickets.settings import TicketsSettings

STREAM = "/api/tickets/stream"


async def position(shop: httpx.AsyncClient) -> str:
    """Where the stream goes on from the list as it is now, once the service hears its stream."""

    async def noted() -> str:
        shown = await shop.get("/api/tickets")
        return str(shown.headers.get("Last-Event-ID", ""))

    return await eventually(noted)


async def hold(tickets: RunningService, ticket: dict[str, object]) -> OrderCreated:
    order = new_event(
        OrderCreated, ticket={"id": ticket["id"], "title": "Concert", "price": 25}, version=0
    )
    await tickets.bus.publish(order)
    await tickets.bus.wait_until_handled(listeners)
    return order


async def free(tickets: RunningService, order: OrderCreated) -> None:
    ended = new_event(OrderCancelled, id=order.id, version=1, ticket={"id": order.ticket.id})
    await tickets.bus.publish(ended)
    await tickets.bus.wait_until_handled(listeners)


async def test_everybody_is_told_what_appears_changes_goes_and_comes_back(
    tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    visitor = await tickets.client()
    async with open_stream(visitor, STREAM, lastEventId=await position(shop)) as stream:
        made = await offer(shop)
        changed = {"title": "Opera", "price": 12.5}
        await shop.put(f"/api/tickets/{made['id']}", json=changed)
        order = await hold(tickets, made)
        await free(tickets, order)
        await shop.delete(f"/api/tickets/{made['id']}")
        told = await stream.next_events(5)

    gone = {"id": made["id"], "orderId": None}
    assert [(each.name, each.data) for each in told] == [
        ("appeared", made),
        ("changed", made | changed | {"version": 1}),
        ("went", gone | {"orderId": order.id, "version": 2}),
        ("came-back", made | changed | {"version": 3}),
        ("went", gone | {"version": 4}),
    ]
    ids = [int(each.id or 0) for each in told]
    assert ids == sorted(set(ids))


async def test_what_happened_between_the_page_and_the_stream_is_told(
    shop: httpx.AsyncClient,
) -> None:
    await position(shop)
    before = await offer(shop)
    shown = await shop.get("/api/tickets")
    alone = await shop.get(f"/api/tickets/{before['id']}")
    missed = await offer(shop)

    for page in (shown, alone):
        async with open_stream(shop, STREAM, lastEventId=page.headers["Last-Event-ID"]) as stream:
            told = await stream.next_event()
            while told.data["id"] != missed["id"]:  # what the list shows may be told again
                assert told.data == before
                told = await stream.next_event()
            assert told.data == missed


async def test_a_browser_that_reconnects_is_told_exactly_what_it_missed(
    shop: httpx.AsyncClient,
) -> None:
    address = {"lastEventId": await position(shop)}
    async with open_stream(shop, STREAM, **address) as stream:
        seen = await offer(shop)
        assert (await stream.next_event()).data == seen
        last_id = stream.last_id
    missed = [await offer(shop) for _ in range(3)]

    # It comes with the address that it began with, too.
    async with open_stream(shop, STREAM, last_id=last_id, **address) as stream:
        told = await stream.next_events(3)
        new = await offer(shop)
        told += await stream.next_events(1)

    # Those of different tickets come in any order.
    assert sorted((each.data for each in told[:3]), key=itemgetter("id")) == missed
    assert told[3].data == new


async def test_a_reader_of_whom_we_do_not_know_what_it_missed_looks_afresh(
    shop: httpx.AsyncClient,
) -> None:
    async with open_stream(shop, STREAM, lastEventId=await position(shop)) as stream:
        made = await offer(shop)
        assert (await stream.next_event()).data == made
    for unknown in ("999999999", "-1", "a", "\u00b2", "9" * 30):
        async with open_stream(shop, STREAM, lastEventId=unknown) as stream:
            reset = await stream.next_event()
            assert (reset.name, reset.data) == ("reset", {})
        async with open_stream(shop, STREAM, last_id=reset.id) as stream:
            await shop.put(f"/api/tickets/{made['id']}", json={"title": unknown, "price": 1})
            told = await stream.next_event()
            assert (told.name, told.data["title"]) == ("changed", unknown)


async def test_every_replica_tells_and_one_goes_on_where_another_stopped(
    environment: TestEnvironment, tickets: RunningService, shop: httpx.AsyncClient
) -> None:
    begin = await position(shop)
    settings = TicketsSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as second:
        there = await second.client()
        async with (
            open_stream(shop, STREAM, lastEventId=begin) as here_told,
            open_stream(there, STREAM, lastEventId=begin) as there_told,
        ):
            made = await offer(shop)
            here = await here_told.next_event()
            assert here == await there_told.next_event()
            assert here == ServerSentEvent("appeared", made, here.id)
        assert await look(there, made) == made
        missed = await offer(shop)

        async with open_stream(there, STREAM, last_id=here.id) as stream:
            assert (await stream.next_event()).data == missed


async def test_its_address_is_no_ticket(shop: httpx.AsyncClient) -> None:
    async with open_stream(shop, STREAM) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-cache"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["X-Request-ID"]
        await stream.next_event()
        assert 1000 <= (stream.retry or 0) < 3000
    assert (await shop.get(f"/api/tickets/{new_id()}")).status_code == 404
    assert (await shop.delete(STREAM)).status_code in (400, 405)
