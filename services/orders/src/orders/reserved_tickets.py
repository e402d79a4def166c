"""Fast refusals of orders for tickets that are reserved."""

from collections import OrderedDict

from bson import ObjectId

from orders.models import Reservation, TicketReserved

MAX_TICKETS = 10_000


class ReservedTickets:
    """The tickets that this process has found reserved lately.

    Membership is only a hint: the reservation is read before an order is refused. Where many buyers
    want the same tickets, most orders are then refused with one read and without a transaction.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, ticket_id: str) -> None:
        self._ids[ticket_id] = None
        if len(self._ids) > MAX_TICKETS:
            self._ids.popitem(last=False)

    async def refuse_reserved(self, ticket_id: str) -> None:
        """Check a ticket that was reserved lately. Raises: TicketReserved."""
        if ticket_id not in self._ids:
            return
        live = {"_id": ObjectId(ticket_id), "order_id": {"$ne": None}}
        if await Reservation.get_pymongo_collection().find_one(live, {"_id": 1}) is not None:
            raise TicketReserved
        self._ids.pop(ticket_id, None)
