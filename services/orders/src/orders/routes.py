"""Orders: hold a ticket, look at your orders, let one go."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from orders.models import Order, Ticket
from orders.rules import cancel
from orders.schemas import NewOrder, OrderId, OrderOut
from orders.settings import OrdersSettings
from ticketing_common import outbox
from ticketing_common.auth import CurrentUser
from ticketing_common.errors import NotFound
from ticketing_common.events import CancelReason, OrderCreated, OrderStatus
from ticketing_common.feed import Afresh, Watcher
from ticketing_common.http.openapi import may_answer
from ticketing_common.http.streams import come_again, told, watch_one
from ticketing_common.pages import Cursor, CursorText, Limit, page
from ticketing_common.transaction import transactional

router = APIRouter(tags=["orders"])

SHOWN = ["status", "user_id", "expires_at", "version", "ticket", "reason"]


@router.post("", status_code=201, responses=may_answer(NotFound))
@transactional
async def order_ticket(wish: NewOrder, user: CurrentUser, request: Request) -> OrderOut:
    """Hold a ticket. Of any number of callers at once, one gets it.

    A ticket that was offered just now can take a moment to be known here: 404 until then.
    """
    settings: OrdersSettings = request.app.state.settings
    ticket = await Ticket.on_offer(wish.ticket_id)
    order = await Order.place(user, ticket, settings.window)
    await outbox.add(OrderCreated.of(order))
    return OrderOut.of(order)


@router.get("")
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


@router.get("/{orderId}", responses=may_answer(NotFound))
async def show_order(order_id: OrderId, user: CurrentUser) -> OrderOut:
    """One of your orders."""
    return OrderOut.of(await Order.owned_by(user, order_id))


@router.get("/{orderId}/stream", response_class=EventSourceResponse, responses=may_answer(NotFound))
async def watch_order(
    order_id: OrderId,
    user: CurrentUser,
    watcher: Annotated[Watcher, Depends(watch_one("orderId"))],
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
    yield come_again()
    yield told("order", order)
    async for news in watcher.news():
        if isinstance(news, Afresh):
            now = await show_order(order_id, user)
        else:
            told_of = {"status", "version", "reason"}
            now = order.model_copy(update=news.event.model_dump(include=told_of))
        if now.version > order.version:
            order = now
            yield told("order", order)


@router.delete("/{orderId}", status_code=204, responses=may_answer(NotFound))
@transactional
async def cancel_order(order_id: OrderId, user: CurrentUser) -> None:
    """Let the ticket go. To cancel a cancelled order is fine, and changes nothing."""
    order = await Order.owned_by(user, order_id)
    order.must_be_unpaid()
    if order.status != OrderStatus.CANCELLED:
        await cancel(order, CancelReason.CANCELLED_BY_BUYER)
