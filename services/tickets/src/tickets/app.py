"""tickets: tickets for sale."""

from fastapi import FastAPI

from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_common.messaging.feed import Feed
from ticketing_common.service import create_service
from tickets.handlers import listeners
from tickets.models import Hold, Ticket
from tickets.routes import router
from tickets.schemas import TicketRequest
from tickets.settings import TicketsSettings


def create_app(settings: TicketsSettings | None = None) -> FastAPI:
    """Create the application. Without settings, read them from the environment."""
    settings = settings or TicketsSettings.read("tickets")
    TicketRequest.currency = settings.currency
    return create_service(
        "tickets",
        settings,
        listeners=listeners,
        description="Tickets for sale: list, search, create, update and delete them.",
        documents=[Ticket, Hold],
        prices={"tickets": "price"},
        router=router,
        prefix="/api/tickets",
        idempotent=True,
        feed=Feed(TicketCreated, TicketUpdated, TicketDeleted),
    )
