"""How the stream of tickets tells its news: no more than the list and the ticket's page show."""

import functools

from fastapi.sse import ServerSentEvent

from ticketing_common.events import TicketCreated, TicketUpdated
from ticketing_common.messaging.feed import FeedItem, Resync
from ticketing_common.web.server_sent_events import sse_event
from tickets.schemas import ResetOut, TicketGone, TicketOut


@functools.lru_cache(maxsize=1024)
def tell(news: FeedItem) -> ServerSentEvent:
    """Told once, for however many watch."""
    if isinstance(news, Resync):
        return sse_event("reset", ResetOut(), news.position)
    event = news.event
    if isinstance(event, TicketCreated):
        return sse_event("appeared", TicketOut(**dict(event), order_id=None), news.position)
    if not isinstance(event, TicketUpdated):
        return sse_event("went", TicketGone(**dict(event), order_id=None), news.position)
    if event.order_id is not None:
        return sse_event("went", TicketGone.of(event), news.position)
    was_held = isinstance(news.previous, TicketUpdated) and news.previous.order_id is not None
    return sse_event("came-back" if was_held else "changed", TicketOut.of(event), news.position)
