"""Routes of tickets."""

from collections.abc import AsyncIterator
from typing import Annotated

from beanie import PydanticObjectId
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ticketing_common.errors import NotAuthorized, NotFound, NotOwner
from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated, utc_now
from ticketing_common.messaging.feed import TooManySubscribers
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.idempotency import Idempotency
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.pagination import Cursor, CursorText, InvalidCursor, Limit, page
from ticketing_common.web.server_sent_events import (
    FeedSubscriber,
    Position,
    retry_hint,
    sends_last_event_id,
)
from ticketing_common.web.sessions import CurrentUser, OptionalUser
from tickets.models import Ticket, TicketNotChangeable, search_terms
from tickets.schemas import SellerFilter, Sort, TicketId, TicketRequest, TicketResponse
from tickets.search import SORT_ORDERS, find_tickets
from tickets.stream import to_sse

router = APIRouter(tags=["tickets"])


@router.post("", status_code=201)
@transactional
async def create_ticket(
    payload: TicketRequest, user: CurrentUser, idempotency: Idempotency
) -> TicketResponse:
    """Put a ticket on sale."""
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


def seller_id(user: OptionalUser, seller: SellerFilter | None = None) -> str | None:
    """Return the user's id for `seller=me`. Raises: NotAuthorized without a session.

    A dependency, because the session is checked before the other parameters are validated.
    """
    if seller is None:
        return None
    if user is None:
        raise NotAuthorized
    return user.id


@router.get(
    "",
    responses=error_responses(InvalidCursor, NotAuthorized),
    dependencies=[sends_last_event_id],
)
async def list_tickets(
    request: Request,
    response: Response,
    seller: Annotated[str | None, Depends(seller_id)],
    q: Annotated[
        str | None,
        Query(max_length=200, description="Words, or beginnings of words, of the title."),
    ] = None,
    sort: Sort = Sort.NEWEST,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> list[TicketResponse]:
    """List the tickets for sale or, with `seller=me`, all of the caller's own tickets.

    The `Link` header leads to the next page if there is one. The stream of tickets continues at the
    `Last-Event-ID` header.
    """
    rows = await find_tickets(
        seller_id=seller,
        query=q,
        sort=sort,
        cursor=Cursor.parse(cursor) if cursor is not None else None,
        limit=limit + 1,
    )
    sort_field, _ = SORT_ORDERS[sort]
    return [TicketResponse.of_row(row) for row in page(rows, limit, sort_field, request, response)]


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    responses=error_responses(TooManySubscribers),
)
async def stream_tickets(
    subscriber: FeedSubscriber, after: Position
) -> AsyncIterator[ServerSentEvent]:
    """Stream the changes of all tickets as server-sent events. Needs no session.

    - `appeared`, `changed`, `came-back` (no longer reserved): a ticket for sale, as in
      `GET /api/tickets/{ticketId}`. After a long reservation it can be `changed` instead of
      `came-back`.
    - `went`: `{"id", "version", "orderId"}` of a ticket that is reserved or sold or, if `orderId`
      is null, deleted.
    - `reset`: some events are lost. Load the list or the ticket again.

    Events of one ticket arrive in the order of their `version`. Ignore a version that you have
    already. Each event has an id, and lists and single tickets have one in their `Last-Event-ID`
    header: start with it as `lastEventId` to miss nothing in between. A browser that reconnects
    gets the events that it missed. Without an id, or with an id that is too old, the stream starts
    with `reset`.

    The stream does not end by itself, but the server can close it at any time, for example when it
    restarts or when the client reads too slowly. Reconnect then.
    """
    yield retry_hint()
    async for item in subscriber.items(after):
        yield to_sse(item)


@router.get("/{ticketId}", responses=error_responses(NotFound), dependencies=[sends_last_event_id])
async def get_ticket(ticket_id: TicketId) -> TicketResponse:
    """Return a ticket, also a reserved or sold one.

    The stream of tickets continues at the `Last-Event-ID` header.
    """
    ticket = await Ticket.get(PydanticObjectId(ticket_id))
    if ticket is None:
        raise NotFound
    return TicketResponse.of(ticket)


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
