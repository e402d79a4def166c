from operator import itemgetter

import httpx
from services.tickets.tests.offers import look, offer

from ticketing_common.events import OrderCancelled, OrderCreated
from ticketing_testing import Served, Told, World, an_event, an_id, eventually, watching
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


async def hold(tickets: Served, ticket: dict[str, object]) -> OrderCreated:
    order = an_event(
        OrderCreated, ticket={"id": ticket["id"], "title": "Concert", "price": 25}, version=0
    )
    await tickets.bus.say(order)
    await tickets.bus.settled(listeners)
    return order


async def free(tickets: Served, order: OrderCreated) -> None:
    ended = an_event(OrderCancelled, id=order.id, version=1, ticket={"id": order.ticket.id})
    await tickets.bus.say(ended)
    await tickets.bus.settled(listeners)


async def test_everybody_is_told_what_appears_changes_goes_and_comes_back(
    tickets: Served, shop: httpx.AsyncClient
) -> None:
    visitor = await tickets.visitor()
    async with watching(visitor, STREAM, lastEventId=await position(shop)) as stream:
        made = await offer(shop)
        changed = {"title": "Opera", "price": 12.5}
        await shop.put(f"/api/tickets/{made['id']}", json=changed)
        order = await hold(tickets, made)
        await free(tickets, order)
        await shop.delete(f"/api/tickets/{made['id']}")
        told = await stream.take(5)

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
        async with watching(shop, STREAM, lastEventId=page.headers["Last-Event-ID"]) as stream:
            told = await stream.next()
            while told.data["id"] != missed["id"]:  # what the list shows may be told again
                assert told.data == before
                told = await stream.next()
            assert told.data == missed


async def test_a_browser_that_reconnects_is_told_exactly_what_it_missed(
    shop: httpx.AsyncClient,
) -> None:
    address = {"lastEventId": await position(shop)}
    async with watching(shop, STREAM, **address) as stream:
        seen = await offer(shop)
        assert (await stream.next()).data == seen
        last_id = stream.last_id
    missed = [await offer(shop) for _ in range(3)]

    # It comes with the address that it began with, too.
    async with watching(shop, STREAM, last_id=last_id, **address) as stream:
        told = await stream.take(3)
        new = await offer(shop)
        told += await stream.take(1)

    # Those of different tickets come in any order.
    assert sorted((each.data for each in told[:3]), key=itemgetter("id")) == missed
    assert told[3].data == new


async def test_a_reader_of_whom_we_do_not_know_what_it_missed_looks_afresh(
    shop: httpx.AsyncClient,
) -> None:
    async with watching(shop, STREAM, lastEventId=await position(shop)) as stream:
        made = await offer(shop)
        assert (await stream.next()).data == made
    for unknown in ("999999999", "-1", "a", "\u00b2", "9" * 30):
        async with watching(shop, STREAM, lastEventId=unknown) as stream:
            reset = await stream.next()
            assert (reset.name, reset.data) == ("reset", {})
        async with watching(shop, STREAM, last_id=reset.id) as stream:
            await shop.put(f"/api/tickets/{made['id']}", json={"title": unknown, "price": 1})
            told = await stream.next()
            assert (told.name, told.data["title"]) == ("changed", unknown)


async def test_every_replica_tells_and_one_goes_on_where_another_stopped(
    world: World, tickets: Served, shop: httpx.AsyncClient
) -> None:
    begin = await position(shop)
    settings = TicketsSettings(**world.settings())
    async with world.serving(create_app(settings)) as second:
        there = await second.visitor()
        async with (
            watching(shop, STREAM, lastEventId=begin) as here_told,
            watching(there, STREAM, lastEventId=begin) as there_told,
        ):
            made = await offer(shop)
            here = await here_told.next()
            assert here == await there_told.next()
            assert here == Told("appeared", made, here.id)
        assert await look(there, made) == made
        missed = await offer(shop)

        async with watching(there, STREAM, last_id=here.id) as stream:
            assert (await stream.next()).data == missed


async def test_its_address_is_no_ticket(shop: httpx.AsyncClient) -> None:
    async with watching(shop, STREAM) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-cache"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["X-Request-ID"]
        await stream.next()
        assert 1000 <= (stream.retry or 0) < 3000
    assert (await shop.get(f"/api/tickets/{an_id()}")).status_code == 404
    assert (await shop.delete(STREAM)).status_code in (400, 405)
