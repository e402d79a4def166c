"""The server-sent events of the ticket stream."""

import functools

from ticketing_common.events import TicketCreated, TicketUpdated
from ticketing_common.messaging.feed import FeedItem, Resync
from ticketing_common.web.server_sent_events import ResetEventData, sse_event
from tickets.schemas import Terms, TicketResponse, WentEventData


@functools.lru_cache(maxsize=1024)
def to_sse(item: FeedItem) -> bytes:
    """Return the server-sent event of a feed item. Cached, because all subscribers get the same."""
    if isinstance(item, Resync):
        return sse_event("reset", ResetEventData(), item.position)
    event = item.event
    if isinstance(event, TicketCreated):
        return sse_event("appeared", TicketResponse(**dict(event), order_id=None), item.position)
    if not isinstance(event, TicketUpdated):  # TicketDeleted
        deleted = WentEventData(**dict(event), order_id=None, terms=None)
        return sse_event("went", deleted, item.position)
    if event.order_id is not None:
        ordered = WentEventData(**dict(event), terms=Terms.of(event))
        return sse_event("went", ordered, item.position)
    was_held = isinstance(item.previous, TicketUpdated) and item.previous.order_id is not None
    return sse_event(
        "came-back" if was_held else "changed", TicketResponse.of(event), item.position
    )
