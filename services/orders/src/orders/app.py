"""orders: reserves tickets for buyers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from orders.buyer_limits import BuyerLimits
from orders.handlers import listeners
from orders.models import Order, Reservation, Ticket
from orders.reserved_tickets import ReservedTickets
from orders.routes import router
from orders.settings import OrdersSettings
from orders.ticket_waits import TicketWaits
from ticketing_common.events import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
)
from ticketing_common.messaging.feed import Feed
from ticketing_common.service import create_service


def create_app(settings: OrdersSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or OrdersSettings.read("orders")
    feed = Feed(OrderCreated, OrderAwaitingPayment, OrderCancelled, OrderCompleted)

    @asynccontextmanager
    async def follow_orders(app: FastAPI) -> AsyncIterator[None]:
        with app.state.buyer_limits.following():
            yield

    app = create_service(
        "orders",
        settings,
        listeners=listeners,
        description="Orders: each reserves a ticket until it is paid, cancelled or expired.",
        documents=[Order, Reservation, Ticket],
        prices={"tickets": "price", "orders": "ticket.price"},
        router=router,
        prefix="/api/orders",
        idempotent=True,
        feed=feed,
        background_work=follow_orders,
    )
    app.state.buyer_limits = BuyerLimits(
        feed, app.state.limiter, settings.limit_live_orders_by_account
    )
    app.state.reserved_tickets = ReservedTickets()
    app.state.ticket_waits = TicketWaits()
    return app
