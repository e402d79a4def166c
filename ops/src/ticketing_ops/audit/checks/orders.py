"""Checks of orders: reservations, ticket holds, expiration and timers."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from redis.exceptions import RedisError

from ticketing_common.events import OrderStatus, utc_now
from ticketing_ops.audit import kinds
from ticketing_ops.audit.checks.payments import IN_PROGRESS
from ticketing_ops.audit.errors import StoreUnavailable
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.repairs import ExpireOrder, ResendEvents
from ticketing_ops.audit.scan import BATCH, Row, Scan, merge_join

LIVE = {"status": {"$ne": OrderStatus.CANCELLED.value}}
UNPAID = [OrderStatus.CREATED.value, OrderStatus.AWAITING_PAYMENT.value]
TIMERS = "arq:queue"
"""The sorted set of timers in Redis, by order id."""


async def find_unreserved(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Compare live orders with reservations, ticket by ticket."""
    # The index on `ticket.id` sorts them; the many cancelled orders are not read.
    orders = scan.rows("orders", "orders", "status", by="ticket.id", where=LIVE)
    reservations = scan.rows("orders", "reservations", "order_id")
    async for ticket, live, reserved in merge_join(orders, reservations):
        ids = [str(order["_id"]) for order in live]
        holder = reserved[0]["order_id"] if reserved else None
        if len(ids) > 1:
            yield Finding(
                kinds.TWO_LIVE_ORDERS,
                {"ticket": ticket, "orders": ", ".join(ids)},
                f"Ticket {ticket} is in {len(ids)} live orders: {', '.join(ids)}",
                target=ticket,
            )
        for order in ids:
            if not reserved or (str(holder) != order and len(ids) == 1):
                state = f"is reserved for order {holder}" if holder else "is not reserved for it"
                yield Finding(
                    kinds.ORDER_WITHOUT_RESERVATION,
                    {"order": order, "ticket": ticket},
                    f"Order {order} is live, and its ticket {ticket} {state}",
                    target=ticket,
                )
        if holder is not None and str(holder) not in ids:
            yield Finding(
                kinds.RESERVATION_WITHOUT_ORDER,
                {"ticket": ticket, "order": str(holder)},
                f"Ticket {ticket} is reserved for order {holder}, which is not live",
                target=ticket,
            )


async def find_wrong_holds(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Compare the tickets' holds with the reservations, which are those of the live orders."""
    tickets = scan.rows("tickets", "tickets", "order_id")
    reservations = scan.rows("orders", "reservations", "order_id")
    async for ticket, found, reserved in merge_join(tickets, reservations):
        held_for = str(found[0].get("order_id") or "") if found else ""
        holder = str(reserved[0]["order_id"] or "") if reserved else ""
        if reserved and not holder:
            if found:
                yield Finding(
                    kinds.TICKET_BLOCKED,
                    {"ticket": ticket},
                    f"Ticket {ticket} exists, and orders has it as deleted",
                    target=ticket,
                )
        elif not found:
            yield Finding(
                kinds.TICKET_DELETED_BUT_ORDERED,
                {"ticket": ticket, "order": holder},
                f"Ticket {ticket} is deleted, and order {holder} has it reserved",
                target=ticket,
                repair=ResendEvents("orders", "TICKET", ticket),
            )
        elif held_for and held_for != holder:
            state = f"order {holder} has it reserved" if holder else "no order has it reserved"
            yield Finding(
                kinds.TICKET_HELD_WITHOUT_ORDER,
                {"ticket": ticket, "order": held_for},
                f"Ticket {ticket} is held for order {held_for}, and {state}",
                target=ticket,
                repair=ResendEvents("tickets", "ORDER", held_for),
            )
        elif holder and not held_for:
            yield Finding(
                kinds.TICKET_NOT_HELD,
                {"ticket": ticket, "order": holder},
                f"Ticket {ticket} is not held, and order {holder} has it reserved",
                target=ticket,
                repair=ResendEvents("tickets", "ORDER", holder),
            )


async def find_overdue(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find unpaid orders past their time for which no payment is in progress."""
    async for overdue in _unpaid(scan, {"$lt": scan.overdue}):
        paying = await _with_payment_in_progress(scan, list(overdue))
        for order_id, order in overdue.items():
            if order_id not in paying:
                yield Finding(
                    kinds.ORDER_NOT_EXPIRED,
                    {"order": order_id, "ticket": order["ticket"]["id"]},
                    f"Order {order_id} is {order['status']}, and it expired at "
                    f"{order['expires_at']:%Y-%m-%d %H:%M:%S}",
                    target=order_id,
                    repair=ExpireOrder(order_id),
                )


async def find_without_timer(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find unpaid orders within their time that have no timer in expiration."""
    async for unpaid in _unpaid(scan, {"$gt": utc_now()}):
        ids = list(unpaid)
        try:
            times: list[Any] = await scan.stores.redis.zmscore(TIMERS, ids)
        except (RedisError, OSError) as error:
            raise StoreUnavailable("Redis of expiration", error) from error
        for order_id, time in zip(ids, times, strict=True):
            if time is None and unpaid[order_id]["expires_at"] > utc_now():
                yield Finding(
                    kinds.TIMER_MISSING,
                    {"order": order_id},
                    f"Order {order_id} has no timer",
                    target=order_id,
                    repair=ResendEvents("expiration", "ORDER", order_id),
                )


async def _unpaid(
    scan: Scan, expires_at: Mapping[str, object]
) -> AsyncGenerator[dict[str, Row], None]:
    """Yield batches of unpaid orders with such an expiration time, by id."""
    batch: dict[str, Row] = {}
    where = {"status": {"$in": UNPAID}, "expires_at": expires_at}
    fields = ("status", "expires_at", "ticket.id")
    async for order_id, order in scan.rows("orders", "orders", *fields, where=where):
        batch[order_id] = order
        if len(batch) == BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


async def _with_payment_in_progress(scan: Scan, orders: list[str]) -> set[str]:
    payments = await scan.find("payments", "payments", "order_id", orders, "status", "pay_by")
    return {
        payment["order_id"]
        for payment in payments
        if payment["status"] in IN_PROGRESS and payment["pay_by"] >= scan.overdue
    }
