"""Routes of tickets."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from bson import ObjectId
from fastapi import APIRouter, Depends, Query, Request, Response

from ticketing_common.errors import NotAuthorized, NotFound, NotOwner
from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated, utc_now
from ticketing_common.invalid_rows import omit_invalid
from ticketing_common.limits.requests import by_account
from ticketing_common.limits.streams import TooManyStreams
from ticketing_common.messaging.feed import TooManySubscribers
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.conditional import PUBLIC, JsonBody, json_response, wants_fresh
from ticketing_common.web.idempotency import Idempotency
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.pagination import Cursor, CursorText, InvalidCursor, Limit, page
from ticketing_common.web.rendering import render_rows
from ticketing_common.web.server_sent_events import (
    EventStream,
    FeedSubscriber,
    Position,
    last_event_id,
)
from ticketing_common.web.sessions import CurrentUser, SessionCookie, optional_session
from tickets.cache import PageBounds, Snapshot, TicketCache
from tickets.models import Ticket, TicketNotChangeable, search_terms
from tickets.rendering import render_ticket
from tickets.schemas import (
    SearchQuery,
    SellerFilter,
    Sort,
    TicketId,
    TicketRequest,
    TicketResponse,
)
from tickets.search import FIELDS, SORT_ORDERS, Found, find_tickets
from tickets.stream import to_sse

router = APIRouter(tags=["tickets"])

SEARCH_INCOMPLETE_HEADER = "Search-Incomplete"
MAX_KEY_LENGTH = 200
"""First pages with a longer query are not cached."""

Row = dict[str, Any]


def _cache(request: Request) -> TicketCache:
    cache: TicketCache = request.app.state.ticket_cache
    return cache


@router.post("", status_code=201, dependencies=[by_account("listings_by_account")])
@transactional
async def create_ticket(
    payload: TicketRequest, user: CurrentUser, idempotency: Idempotency
) -> TicketResponse:
    """List a ticket: it is for sale at once."""
    ticket = Ticket(
        title=payload.title,
        price=payload.price,
        user_id=user.id,
        search_terms=search_terms(payload.title),
        created_at=utc_now(),
    )
    await ticket.insert()
    await outbox.add(TicketCreated.of(ticket))
    response = TicketResponse.of(ticket)
    await idempotency.store(response)
    return response


async def seller_id(
    request: Request, cookie: SessionCookie, seller: SellerFilter | None = None
) -> str | None:
    """Return the user's id for `seller=me`. Raises: NotAuthorized without a session.

    A dependency, because the session is checked before the other parameters are validated.
    """
    if seller is None:
        return None
    session = await optional_session(request, cookie)
    if session is None:
        raise NotAuthorized
    return session.user.id


@router.get(
    "",
    response_model=list[TicketResponse],
    responses=error_responses(InvalidCursor, NotAuthorized),
)
async def list_tickets(
    request: Request,
    seller: Annotated[str | None, Depends(seller_id)],
    q: Annotated[
        SearchQuery | None,
        Query(description="Words, or beginnings of words, of the title."),
    ] = None,
    sort: Sort = Sort.NEWEST,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """List the tickets for sale or, with `seller=me`, all of the caller's own tickets.

    The `Link` header leads to the next page if there is one. The stream of tickets continues at the
    `Last-Event-ID` header.

    A search reads 2,000 tickets at most. If further ones can match, the header
    `Search-Incomplete` is `true`: the search needs more words, or longer ones.
    """
    headers = last_event_id(request)
    if seller is None:
        headers["Cache-Control"] = PUBLIC
    parsed = Cursor.parse(cursor) if cursor is not None else None

    async def find() -> Found:
        return await find_tickets(
            seller_id=seller, query=q, sort=sort, cursor=parsed, limit=limit + 1
        )

    async def load() -> Snapshot:
        return _list_snapshot((await find()).rows, sort, limit, request)

    cache, key = _cache(request), request.scope["query_string"].decode("latin-1")
    if seller is None and q is None and parsed is None and len(key) <= MAX_KEY_LENGTH:
        snapshot = await cache.get(cache.pages, key, load, fresh=wants_fresh(request))
    else:
        found = await find()
        snapshot = _list_snapshot(found.rows, sort, limit, request)
        cache.saw(snapshot.versions)
        if not found.is_complete:
            headers[SEARCH_INCOMPLETE_HEADER] = "true"
    return json_response(request, snapshot.body, headers)


def _list_snapshot(rows: list[Row], sort: Sort, limit: int, request: Request) -> Snapshot:
    shown, link = page(rows, limit, SORT_ORDERS[sort][0], request.url)
    return Snapshot(
        JsonBody.of(render_rows("ticket", shown, render_ticket), link),
        {str(row["_id"]): row["version"] for row in rows if isinstance(row.get("version"), int)},
        PageBounds(sort, _position(rows[-1]) if len(rows) > limit else None),
    )


def _position(row: Row) -> tuple[int, ObjectId] | None:
    """Return price and id of a row, None of an invalid one."""
    price, row_id = row.get("price"), row["_id"]
    if isinstance(price, int) and isinstance(row_id, ObjectId):
        return price, row_id
    return None


@router.get(
    "/stream",
    response_class=EventStream,
    responses=error_responses(TooManyStreams, TooManySubscribers),
)
async def stream_tickets(subscriber: FeedSubscriber, after: Position) -> EventStream:
    """Stream the changes of all tickets as server-sent events. Needs no session.

    - `appeared`, `changed`, `came-back` (no longer reserved): a ticket for sale, as in
      `GET /api/tickets/{ticketId}`. After a long reservation it can be `changed` instead of
      `came-back`.
    - `went`: `{"id", "version", "orderId", "reservedUntil", "soldAt", "terms"}` of a ticket that is
      reserved or sold, with title and price as they were ordered, or, if `orderId` is null,
      deleted. A ticket that is paid gets a second one.
    - `reset`: some events are lost. Load the list or the ticket again.

    Events of one ticket arrive in the order of their `version`. Ignore a version that you have
    already. Each event has an id, and lists and single tickets have one in their `Last-Event-ID`
    header: start with it as `lastEventId` to miss nothing in between. A browser that reconnects
    gets the events that it missed. Without an id, or with an id that is too old, the stream starts
    with `reset`.

    The stream does not end by itself, but the server can close it at any time, for example when it
    restarts or when the client reads too slowly. Reconnect then.
    """

    async def events() -> AsyncGenerator[bytes]:
        async for item in subscriber.items(after):
            with omit_invalid("ticket event", item.position):
                yield to_sse(item)

    return EventStream(subscriber, events())


@router.get("/{ticketId}", response_model=TicketResponse, responses=error_responses(NotFound))
async def get_ticket(ticket_id: TicketId, request: Request) -> Response:
    """Return a ticket, also a reserved or sold one.

    The stream of tickets continues at the `Last-Event-ID` header.
    """
    headers = last_event_id(request) | {"Cache-Control": PUBLIC}

    async def load() -> Snapshot:
        row = await Ticket.get_pymongo_collection().find_one({"_id": ObjectId(ticket_id)}, FIELDS)
        if row is None:
            raise NotFound
        return Snapshot(JsonBody.of(render_ticket(row)), {ticket_id: row["version"]})

    cache = _cache(request)
    snapshot = await cache.get(cache.tickets, ticket_id, load, fresh=wants_fresh(request))
    return json_response(request, snapshot.body, headers)


@router.put("/{ticketId}", responses=error_responses(NotFound, NotOwner, TicketNotChangeable))
@transactional
async def update_ticket(
    ticket_id: TicketId, payload: TicketRequest, user: CurrentUser, idempotency: Idempotency
) -> TicketResponse:
    """Change title and price of one of the caller's tickets that is for sale."""
    ticket = await Ticket.owned_by(user.id, ticket_id)
    ticket.change(payload.title, payload.price)
    await ticket.save()
    await outbox.add(TicketUpdated.of(ticket))
    response = TicketResponse.of(ticket)
    await idempotency.store(response)
    return response


@router.delete(
    "/{ticketId}",
    status_code=204,
    responses=error_responses(NotFound, NotOwner, TicketNotChangeable),
)
@transactional
async def delete_ticket(ticket_id: TicketId, user: CurrentUser, idempotency: Idempotency) -> None:
    """Delete one of the caller's tickets that is for sale."""
    ticket = await Ticket.owned_by(user.id, ticket_id)
    ticket.require_for_sale()
    await ticket.delete_version()
    await outbox.add(TicketDeleted.of(ticket))
    await idempotency.store(None)
