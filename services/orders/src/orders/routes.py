"""Routes of orders."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial
from typing import Annotated

from bson import ObjectId
from fastapi import APIRouter, Depends, Request, Response

from orders import rules
from orders.buyer_limits import EXPIRED_ORDERS, BuyerLimits, TooManyLiveOrders
from orders.models import Order, OrderComplete, Ticket, TicketOutdated, TicketReserved
from orders.rendering import render_order
from orders.reserved_tickets import ReservedTickets
from orders.schemas import (
    OrderedTicketResponse,
    OrderId,
    OrderRequest,
    OrderResponse,
    TermsChanged,
)
from orders.settings import OrdersSettings
from orders.ticket_waits import TicketWaits
from ticketing_common.errors import NotFound, NotOwner
from ticketing_common.events import CancelReason, OrderCreated, OrderStatus
from ticketing_common.invalid_rows import omit_invalid
from ticketing_common.limits.requests import Limits
from ticketing_common.limits.streams import TooManyStreams
from ticketing_common.messaging.feed import Resync, Subscriber, TooManySubscribers
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.conditional import JsonBody, json_response
from ticketing_common.web.idempotency import Idempotency, RequestIdempotency
from ticketing_common.web.middleware.concurrency_limit import uncounted
from ticketing_common.web.openapi import error_responses
from ticketing_common.web.pagination import Cursor, CursorText, InvalidCursor, Limit, page
from ticketing_common.web.rendering import render_rows
from ticketing_common.web.server_sent_events import (
    EventStream,
    OwnSubscriber,
    Position,
    ResetEventData,
    last_event_id,
    sse_event,
    subscribe_to,
)
from ticketing_common.web.sessions import CurrentUser, SessionUser

router = APIRouter(tags=["orders"])

FIELDS = ["status", "user_id", "expires_at", "version", "ticket", "reason"]


@router.post(
    "",
    status_code=201,
    responses=error_responses(
        NotFound, TicketReserved, TermsChanged, TooManyLiveOrders, TicketOutdated
    ),
)
async def create_order(
    payload: OrderRequest,
    user: CurrentUser,
    request: Request,
    limits: Limits,
    idempotency: Idempotency,
) -> OrderResponse:
    """Order a ticket, which reserves it until `expiresAt`.

    Of several concurrent requests for one ticket, one succeeds. A new ticket can be unknown here
    for a moment: the response is a 404 until then.

    With `ticketVersions` the order has the title and the price that the buyer saw, or is refused:

    - 409 `terms_changed`: they have changed. The error has the ticket as it is now,
      `ticket: {id, title, price, version}`.
    - 503 `ticket_outdated`: the change that the buyer saw is still unknown here. The request waits
      for it, for at most two seconds.

    A buyer with 10 unpaid orders, or with 5 that expired within 10 minutes, gets a 429.
    """
    await limits.check(EXPIRED_ORDERS, user.id)
    buyer_limits: BuyerLimits = request.app.state.buyer_limits
    reserved: ReservedTickets = request.app.state.reserved_tickets
    await reserved.refuse_reserved(payload.ticket_id)
    settings: OrdersSettings = request.app.state.settings
    place = partial(_place_order, payload, user, settings.expiration_window, idempotency)
    try:
        with buyer_limits.placing(user.id):
            try:
                response = await place()
            except TicketOutdated:
                assert payload.seen_version is not None
                waits: TicketWaits = request.app.state.ticket_waits
                with uncounted(request.scope):
                    await waits.wait_for(payload.ticket_id, payload.seen_version)
                response = await place()
    except TicketReserved:
        reserved.add(payload.ticket_id)
        raise
    reserved.add(payload.ticket_id)
    return response


@transactional
async def _place_order(
    payload: OrderRequest, user: SessionUser, window: timedelta, idempotency: RequestIdempotency
) -> OrderResponse:
    ticket = await Ticket.find_existing(payload.ticket_id)
    order = await Order.place(user.id, ticket, window)
    if payload.seen_version is not None and not ticket.has_terms_of(payload.seen_version):
        raise TermsChanged(OrderedTicketResponse.of(ticket))
    await outbox.add(OrderCreated.of(order))
    response = OrderResponse.of(order)
    await idempotency.store(response)
    return response


@router.get("", response_model=list[OrderResponse], responses=error_responses(InvalidCursor))
async def list_orders(
    request: Request, user: CurrentUser, limit: Limit = 50, cursor: CursorText = None
) -> Response:
    """List the caller's orders, newest first.

    The `Link` header leads to the next page if there is one. The stream of the caller's orders
    continues at the `Last-Event-ID` header.
    """
    headers = last_event_id(request)
    query: dict[str, object] = {"user_id": user.id}
    if cursor is not None:
        query["_id"] = {"$lt": Cursor.parse(cursor).id}
    found = Order.get_pymongo_collection().find(query, FIELDS).sort("_id", -1).limit(limit + 1)
    rows, link = page(await found.to_list(), limit, "_id", request.url)
    return json_response(
        request, JsonBody.of(render_rows("order", rows, render_order), link), headers
    )


@router.get(
    "/stream",
    response_class=EventStream,
    responses=error_responses(TooManyStreams, TooManySubscribers),
)
async def stream_orders(
    user: CurrentUser, subscriber: OwnSubscriber, after: Position
) -> EventStream:
    """Stream the changes of all of the caller's orders as server-sent events.

    - `order`: a new or changed order, as in `GET /api/orders/{orderId}`. It can be newer than the
      change, so ignore a `version` that you have already.
    - `reset`: some events are lost. Load the orders again.

    Each event has an id, and lists and single orders have one in their `Last-Event-ID` header:
    start with it as `lastEventId` to miss nothing in between. A browser that reconnects gets the
    events that it missed. Without an id, or with an id that is too old, the stream starts with
    `reset`.

    The server closes the stream within a second after the end of the session, and can close it at
    any other time, for example when it restarts. Reconnect then.
    """

    async def events() -> AsyncGenerator[bytes]:
        async for item in subscriber.items(after):
            if isinstance(item, Resync):
                yield sse_event("reset", ResetEventData(), item.position)
            else:
                with omit_invalid("order", item.event.aggregate_id):
                    order = await _load_order(item.event.aggregate_id, user)
                    yield sse_event("order", order, item.position)

    return EventStream(subscriber, events())


@router.get(
    "/{orderId}", response_model=OrderResponse, responses=error_responses(NotFound, NotOwner)
)
async def get_order(order_id: OrderId, user: CurrentUser, request: Request) -> Response:
    """Return one of the caller's orders.

    The stream of the caller's orders continues at the `Last-Event-ID` header.
    """
    headers = last_event_id(request)
    row = await Order.get_pymongo_collection().find_one({"_id": ObjectId(order_id)}, FIELDS)
    if row is None:
        raise NotFound
    if row["user_id"] != user.id:
        raise NotOwner
    return json_response(request, JsonBody.of(render_order(row)), headers)


async def _load_order(order_id: OrderId, user: CurrentUser) -> OrderResponse:
    return OrderResponse.of(await Order.owned_by(user.id, order_id))


@router.get(
    "/{orderId}/stream",
    response_class=EventStream,
    responses=error_responses(NotFound, NotOwner, TooManyStreams, TooManySubscribers),
)
async def stream_order(
    user: CurrentUser,
    subscriber: Annotated[Subscriber, Depends(subscribe_to("orderId"))],
    order: Annotated[OrderResponse, Depends(_load_order)],
) -> EventStream:
    """Stream the changes of one of the caller's orders as server-sent events named `order`.

    Each event has the order as in `GET /api/orders/{orderId}`. The first one is sent at once, also
    after a reconnect, so no change is missed and events need no ids. Then each version follows.

    The stream does not end with the order. Close it after `cancelled`: nothing follows. A
    `complete` order can still be cancelled, if its ticket was deleted. The server closes the stream
    within a second after the end of the session, and can close it at any other time, for example
    when it restarts. Reconnect then.
    """

    async def events(latest: OrderResponse) -> AsyncGenerator[bytes]:
        yield sse_event("order", latest)
        async for item in subscriber.items():
            if isinstance(item, Resync):
                current = await _load_order(latest.id, user)
            else:
                changes = item.event.model_dump(include={"status", "version", "reason"})
                current = latest.model_copy(update=changes)
            if current.version > latest.version:
                latest = current
                yield sse_event("order", latest)

    return EventStream(subscriber, events(order))


@router.delete(
    "/{orderId}",
    status_code=204,
    responses=error_responses(NotFound, NotOwner, OrderComplete),
)
@transactional
async def cancel_order(order_id: OrderId, user: CurrentUser, idempotency: Idempotency) -> None:
    """Cancel one of the caller's orders and release its ticket.

    Cancelling a cancelled order changes nothing and is a 204 too.
    """
    order = await Order.owned_by(user.id, order_id)
    order.require_not_complete()
    if order.status != OrderStatus.CANCELLED:
        await rules.cancel_order(order, CancelReason.CANCELLED_BY_BUYER)
    await idempotency.store(None)
