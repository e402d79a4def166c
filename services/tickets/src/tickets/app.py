"""tickets: tickets for sale."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.messaging.feed import Feed
from ticketing_common.service import create_service
from tickets.cache import TicketCache
from tickets.handlers import listeners
from tickets.models import Hold, Ticket
from tickets.routes import router
from tickets.schemas import TicketRequest
from tickets.search_migration import fold_search_terms
from tickets.settings import TicketsSettings


def create_app(settings: TicketsSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or TicketsSettings.read("tickets")
    TicketRequest.currency = settings.currency
    feed = Feed(TicketCreated, TicketUpdated, TicketDeleted)
    cache = TicketCache(feed)

    @asynccontextmanager
    async def follow_changes(_: FastAPI) -> AsyncIterator[None]:
        await fold_search_terms()
        with cache.following():
            yield

    app = create_service(
        "tickets",
        settings,
        listeners=listeners,
        description="Tickets for sale: list, search, create, update and delete them.",
        documents=[Ticket, Hold],
        prices={"tickets": "price"},
        router=router,
        prefix="/api/tickets",
        idempotent=True,
        feed=feed,
        background_work=follow_changes,
    )
    app.state.ticket_cache = cache
    return app
