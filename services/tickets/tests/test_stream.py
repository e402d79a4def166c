from operator import itemgetter

import httpx
from services.tickets.tests.requests import create_ticket, get_ticket, reserve_ticket

from ticketing_common.events import OrderCancelled, OrderCreated, TicketCreated
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


async def last_event_id(client: httpx.AsyncClient) -> str:
    """Return the list's `Last-Event-ID`, once the service has read its stream."""

    async def header() -> str:
        response = await client.get("/api/tickets")
        return str(response.headers.get("Last-Event-ID", ""))

    return await eventually(header)


async def release_ticket(tickets: RunningService, order: OrderCreated) -> None:
    event = new_event(OrderCancelled, id=order.id, version=1, ticket={"id": order.ticket.id})
    await tickets.bus.publish(event)
    await tickets.bus.wait_until_handled(listeners)


async def test_stream_sends_every_change_to_everybody(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    client = await tickets.client()
    changes = {"title": "Opera", "price": 12.5}

    async with open_stream(
        client, STREAM, lastEventId=await last_event_id(seller_client)
    ) as stream:
        ticket = await create_ticket(seller_client)
        await seller_client.put(f"/api/tickets/{ticket['id']}", json=changes)
        order = await reserve_ticket(tickets, ticket)  # as it was before the change
        await release_ticket(tickets, order)
        await seller_client.delete(f"/api/tickets/{ticket['id']}")
        events = await stream.next_events(5)

    deleted = {"id": ticket["id"], "orderId": None, "reservedUntil": None, "soldAt": None}
    deleted |= {"terms": None}
    terms = {"title": ticket["title"], "price": ticket["price"]}
    reserved_until = order.model_dump(mode="json")["expires_at"]
    reserved = {"orderId": order.id, "reservedUntil": reserved_until, "terms": terms}
    assert [(event.name, event.data) for event in events] == [
        ("appeared", ticket),
        ("changed", ticket | changes | {"version": 1}),
        ("went", deleted | reserved | {"version": 2}),
        ("came-back", ticket | changes | {"version": 3}),
        ("went", deleted | {"version": 4}),
    ]
    ids = [int(event.id or 0) for event in events]
    assert ids == sorted(set(ids))


async def test_stream_continues_at_last_event_id_of_list_and_ticket(
    seller_client: httpx.AsyncClient,
) -> None:
    await last_event_id(seller_client)
    earlier = await create_ticket(seller_client)
    listed = await seller_client.get("/api/tickets")
    single = await seller_client.get(f"/api/tickets/{earlier['id']}")
    missed = await create_ticket(seller_client)

    for response in (listed, single):
        position = response.headers["Last-Event-ID"]
        async with open_stream(seller_client, STREAM, lastEventId=position) as stream:
            event = await stream.next_event()
            while event.data["id"] != missed["id"]:  # the list's tickets may be sent again
                assert event.data == earlier
                event = await stream.next_event()
            assert event.data == missed


async def test_stream_sends_missed_events_after_reconnect(
    seller_client: httpx.AsyncClient,
) -> None:
    query = {"lastEventId": await last_event_id(seller_client)}
    async with open_stream(seller_client, STREAM, **query) as stream:
        seen = await create_ticket(seller_client)
        assert (await stream.next_event()).data == seen
        last_id = stream.last_id
    missed = [await create_ticket(seller_client) for _ in range(3)]

    # A browser sends its header together with the query of the first request.
    async with open_stream(seller_client, STREAM, last_id=last_id, **query) as stream:
        events = await stream.next_events(3)
        new = await create_ticket(seller_client)
        events += await stream.next_events(1)

    # Events of different tickets have no order.
    assert sorted((event.data for event in events[:3]), key=itemgetter("id")) == missed
    assert events[3].data == new


async def test_stream_sends_reset_after_unknown_position(
    seller_client: httpx.AsyncClient,
) -> None:
    position = await last_event_id(seller_client)
    async with open_stream(seller_client, STREAM, lastEventId=position) as stream:
        ticket = await create_ticket(seller_client)
        assert (await stream.next_event()).data == ticket

    for unknown in ("999999999", "-1", "a", "\u00b2", "9" * 30):
        async with open_stream(seller_client, STREAM, lastEventId=unknown) as stream:
            reset = await stream.next_event()
            assert (reset.name, reset.data) == ("reset", {})
        async with open_stream(seller_client, STREAM, last_id=reset.id) as stream:
            changes = {"title": unknown, "price": 1}
            await seller_client.put(f"/api/tickets/{ticket['id']}", json=changes)
            event = await stream.next_event()
            assert (event.name, event.data["title"]) == ("changed", unknown)


async def test_stream_continues_at_another_replica(
    environment: TestEnvironment, tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    position = await last_event_id(seller_client)
    settings = TicketsSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as second_replica:
        second_client = await second_replica.client()
        async with (
            open_stream(seller_client, STREAM, lastEventId=position) as first_stream,
            open_stream(second_client, STREAM, lastEventId=position) as second_stream,
        ):
            ticket = await create_ticket(seller_client)
            event = await first_stream.next_event()
            assert event == await second_stream.next_event()
            assert event == ServerSentEvent("appeared", ticket, event.id)
        assert await get_ticket(second_client, ticket) == ticket
        missed = await create_ticket(seller_client)

        async with open_stream(second_client, STREAM, last_id=event.id) as stream:
            assert (await stream.next_event()).data == missed


async def test_stream_has_headers_and_retry_hint(seller_client: httpx.AsyncClient) -> None:
    async with open_stream(seller_client, STREAM) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-cache"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["X-Request-ID"]
        await stream.next_event()
        assert 1000 <= (stream.retry or 0) < 3000


async def test_stream_path_is_not_a_ticket_id(seller_client: httpx.AsyncClient) -> None:
    assert (await seller_client.get(f"/api/tickets/{new_id()}")).status_code == 404
    assert (await seller_client.delete(STREAM)).status_code in (400, 405)


async def test_stream_omits_an_invalid_event(
    tickets: RunningService, seller_client: httpx.AsyncClient
) -> None:
    client = await tickets.client()

    async with open_stream(
        client, STREAM, lastEventId=await last_event_id(seller_client)
    ) as stream:
        await tickets.bus.publish(new_event(TicketCreated, version=-1))
        ticket = await create_ticket(seller_client)
        [event] = await stream.next_events(1)

    assert event.data == ticket
