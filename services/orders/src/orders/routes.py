"""Orders: hold a ticket, look at your orders, let one go."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from orders.models import Order, OrderComplete, Ticket, TicketReserved
from orders.rules import cancel
from orders.schemas import NewOrder, OrderId, OrderOut
from orders.settings import OrdersSettings
from ticketing_common.errors import NotFound, NotOwner
from ticketing_common.events import CancelReason, OrderCreated, OrderStatus
from ticketing_common.messaging.feed import Resync, Subscriber, TooManySubscribers
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.idempotency import Idempotency
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.pagination import Cursor, CursorText, InvalidCursor, Limit, page
from ticketing_common.web.server_sent_events import retry_hint, sse_event, subscribe_to
from ticketing_common.web.sessions import CurrentUser

router = APIRouter(tags=["orders"])

SHOWN = ["status", "user_id", "expires_at", "version", "ticket", "reason"]


@router.post("", status_code=201, responses=error_responses(NotFound, TicketReserved))
@transactional
async def order_ticket(
    wish: NewOrder, user: CurrentUser, request: Request, idempotency: Idempotency
) -> OrderOut:
    """Hold a ticket. Of any number of callers at once, one gets it.

    A ticket that was offered just now can take a moment to be known here: 404 until then.
    """
    settings: OrdersSettings = request.app.state.settings
    ticket = await Ticket.on_offer(wish.ticket_id)
    order = await Order.place(user, ticket, settings.window)
    await outbox.add(OrderCreated.of(order))
    shown = OrderOut.of(order)
    await idempotency.store(shown)
    return shown


@router.get("", responses=error_responses(InvalidCursor))
async def list_orders(
    request: Request,
    response: Response,
    user: CurrentUser,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> list[OrderOut]:
    """Your orders, the newest first. Where there are more, `Link` leads to the next page."""
    wanted: dict[str, object] = {"user_id": user.id}
    if cursor is not None:
        wanted["_id"] = {"$lt": Cursor.parse(cursor).id}
    found = Order.get_pymongo_collection().find(wanted, SHOWN).sort("_id", -1).limit(limit + 1)
    rows = page(await found.to_list(), limit, "_id", request, response)
    return [OrderOut.of_row(row) for row in rows]


@router.get("/{orderId}", responses=error_responses(NotFound, NotOwner))
async def show_order(order_id: OrderId, user: CurrentUser) -> OrderOut:
    """One of your orders."""
    return OrderOut.of(await Order.owned_by(user.id, order_id))


@router.get(
    "/{orderId}/stream",
    response_class=EventSourceResponse,
    responses=error_responses(NotFound, NotOwner, TooManySubscribers),
)
async def watch_order(
    order_id: OrderId,
    user: CurrentUser,
    watcher: Annotated[Subscriber, Depends(subscribe_to("orderId"))],
    order: Annotated[OrderOut, Depends(show_order)],
) -> AsyncIterator[ServerSentEvent]:
    """What happens to one of your orders, as it happens: server-sent events named `order`.

    Each is the order, in the shape of `GET /api/orders/{orderId}`: first as it is now, whenever you
    connect, so nothing is missed and there are no ids; then once for each of its versions.

    The stream does not end with the order: after `cancelled` nothing follows, so close it then;
    a `complete` one is still cancelled where its ticket turns out to be gone. It ends, within 15
    seconds, with your session, and may end at any time, as a process that stops ends it. Where too
    many watch the answer is a 503.
    """
    yield retry_hint()
    yield sse_event("order", order)
    async for news in watcher.items():
        if isinstance(news, Resync):
            now = await show_order(order_id, user)
        else:
            told_of = {"status", "version", "reason"}
            now = order.model_copy(update=news.event.model_dump(include=told_of))
        if now.version > order.version:
            order = now
            yield sse_event("order", order)


@router.delete(
    "/{orderId}",
    status_code=204,
    responses=error_responses(NotFound, NotOwner, OrderComplete),
)
@transactional
async def cancel_order(order_id: OrderId, user: CurrentUser, idempotency: Idempotency) -> None:
    """Let the ticket go. To cancel a cancelled order is fine, and changes nothing."""
    order = await Order.owned_by(user.id, order_id)
    order.must_be_unpaid()
    if order.status != OrderStatus.CANCELLED:
        await cancel(order, CancelReason.CANCELLED_BY_BUYER)
    await idempotency.store(None)
