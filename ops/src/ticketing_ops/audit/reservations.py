"""No ticket is in two live orders: each live order has its reservation, and the other way round."""

from collections.abc import AsyncGenerator

from ticketing_common.events import OrderStatus
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.joins import side_by_side
from ticketing_ops.audit.looking import Look

LIVE = {"status": {"$ne": OrderStatus.CANCELLED.value}}


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Compare live orders with reservations, ticket by ticket."""
    # Cancelled orders, the many, stay where they are; `ticket.id` is an index.
    orders = look.rows("orders", "orders", "status", by="ticket.id", where=LIVE)
    reservations = look.rows("orders", "reservations", "order_id")
    async for ticket, live, reserved in side_by_side(orders, reservations):
        ids = [str(order["_id"]) for order in live]
        holder = reserved[0]["order_id"] if reserved else None
        if len(ids) > 1:
            yield Finding(
                kinds.TWO_LIVE_ORDERS,
                {"ticket": ticket, "orders": ", ".join(ids)},
                f"Ticket {ticket} is in {len(ids)} live orders: {', '.join(ids)}",
                about=ticket,
            )
        for order in ids:
            if not reserved or (str(holder) != order and len(ids) == 1):
                whose = f"is reserved for order {holder}" if holder else "is not reserved for it"
                yield Finding(
                    kinds.ORDER_WITHOUT_RESERVATION,
                    {"order": order, "ticket": ticket},
                    f"Order {order} is live, and its ticket {ticket} {whose}",
                    about=ticket,
                )
        if holder is not None and str(holder) not in ids:
            yield Finding(
                kinds.RESERVATION_WITHOUT_ORDER,
                {"ticket": ticket, "order": str(holder)},
                f"Ticket {ticket} is reserved for order {holder}, which is not live",
                about=ticket,
            )
