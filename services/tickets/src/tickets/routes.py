"""Tickets for sale: list, look at, sell, change and withdraw them."""

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
from tickets import search
from tickets.models import Ticket, TicketNotChangeable, words_of
from tickets.schemas import Seller, Sort, TicketChanges, TicketId, TicketOut
from tickets.stream import tell

router = APIRouter(tags=["tickets"])


@router.post("", status_code=201)
@transactional
async def sell_ticket(
    offer: TicketChanges, user: CurrentUser, idempotency: Idempotency
) -> TicketOut:
    """Offer a ticket for sale."""
    ticket = Ticket(
        title=offer.title,
        price=offer.price,
        user_id=user.id,
        words=words_of(offer.title),
        created_at=utc_now(),
    )
    await ticket.insert()
    await outbox.add(TicketCreated.of(ticket))
    shown = TicketOut.of(ticket)
    await idempotency.store(shown)
    return shown


def whose(user: OptionalUser, seller: Seller | None = None) -> str | None:
    """Whose tickets are asked for. Raises NotAuthorized, before anything else is looked at."""
    if seller is None:
        return None
    if user is None:
        raise NotAuthorized
    return user.id


@router.get(
    "", responses=error_responses(InvalidCursor, NotAuthorized), dependencies=[sends_last_event_id]
)
async def list_tickets(
    request: Request,
    response: Response,
    seller: Annotated[str | None, Depends(whose)],
    q: Annotated[str | None, Query(max_length=200)] = None,
    sort: Sort = Sort.NEWEST,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> list[TicketOut]:
    """The tickets that nobody holds or, with `seller=me`, all of your own.

    `q` finds titles by the beginnings of their words. Where there are more, the `Link` header leads
    to the next page. `Last-Event-ID` is where the stream of changes goes on.
    """
    rows = await search.find(
        seller=seller,
        q=q,
        sort=sort,
        after=Cursor.parse(cursor) if cursor is not None else None,
        limit=limit + 1,
    )
    field, _ = search.SORTED_BY[sort]
    return [TicketOut.of_row(row) for row in page(rows, limit, field, request, response)]


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    responses=error_responses(TooManySubscribers),
)
async def watch_tickets(watcher: FeedSubscriber, after: Position) -> AsyncIterator[ServerSentEvent]:
    """What happens to the tickets, as it happens: server-sent events for everybody.

    - `appeared`, `changed`, `came-back` (a hold has ended): a ticket that is on sale, in the shape
      of `GET /api/tickets/{ticketId}`. Some that came back after a long hold are told as `changed`.
    - `went`: `{"id", "version", "orderId"}` of a ticket that is held or sold or, where `orderId` is
      null, withdrawn.
    - `reset`: it is not known what was missed, so look at the list or the ticket afresh.

    The events of one ticket come in the order of their `version`; drop one that you know already.
    Each has an id. Lists and single tickets carry such an id in their `Last-Event-ID` header: begin
    with it as `lastEventId`, and nothing is missed in between. A reconnecting browser is told what
    it has missed. Without an id, or with one that is too old, the stream begins with `reset`.

    It does not end by itself, but may at any time: a reader that does not keep up, or a process
    that stops. Where too many watch the answer is a 503.
    """
    yield retry_hint()
    async for news in watcher.items(after):
        yield tell(news)


@router.get("/{ticketId}", responses=error_responses(NotFound), dependencies=[sends_last_event_id])
async def show_ticket(ticket_id: TicketId) -> TicketOut:
    """One ticket, whoever holds it. `Last-Event-ID` is where the stream of changes goes on."""
    ticket = await Ticket.get(PydanticObjectId(ticket_id))
    if ticket is None:
        raise NotFound
    return TicketOut.of(ticket)


@router.put("/{ticketId}", responses=error_responses(NotFound, NotOwner, TicketNotChangeable))
@transactional
async def change_ticket(
    ticket_id: TicketId, changes: TicketChanges, user: CurrentUser, idempotency: Idempotency
) -> TicketOut:
    """Change a ticket that you sell and nobody has reserved."""
    ticket = await Ticket.owned_by(user.id, ticket_id)
    ticket.change(changes.title, changes.price)
    await ticket.save()
    await outbox.add(TicketUpdated.of(ticket))
    shown = TicketOut.of(ticket)
    await idempotency.store(shown)
    return shown


@router.delete(
    "/{ticketId}",
    status_code=204,
    responses=error_responses(NotFound, NotOwner, TicketNotChangeable),
)
@transactional
async def withdraw_ticket(ticket_id: TicketId, user: CurrentUser, idempotency: Idempotency) -> None:
    """Withdraw a ticket that you sell and nobody has reserved."""
    ticket = await Ticket.owned_by(user.id, ticket_id)
    ticket.must_be_free()
    await ticket.delete_version()
    await outbox.add(TicketDeleted.of(ticket))
    await idempotency.store(None)
