"""Orders that wait for a change of their ticket: its TicketUpdated is still on its way."""

import asyncio

from bson import ObjectId

from orders.models import Ticket, TicketOutdated

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.1
MAX_WAITS = 50


class TicketWaits:
    """The waits of this process."""

    def __init__(self, max_waits: int = MAX_WAITS) -> None:
        self._max_waits = max_waits
        self._waits = 0

    async def wait_for(self, ticket_id: str, version: int) -> None:
        """Wait until the copy of the ticket has this version.

        Raises: TicketOutdated after `WAIT_SECONDS`, and at once above `MAX_WAITS`.
        """
        if self._waits >= self._max_waits:
            raise TicketOutdated
        self._waits += 1
        try:
            await _poll(ticket_id, version)
        finally:
            self._waits -= 1


async def _poll(ticket_id: str, version: int) -> None:
    clock = asyncio.get_running_loop()
    deadline = clock.time() + WAIT_SECONDS
    arrived = {"_id": ObjectId(ticket_id), "version": {"$gte": version}}
    while await Ticket.get_pymongo_collection().find_one(arrived, ["_id"]) is None:
        if clock.time() >= deadline:
            raise TicketOutdated
        await asyncio.sleep(POLL_SECONDS)
