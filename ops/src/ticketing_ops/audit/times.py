"""An unpaid order ends when its time is over, and until then there is a timer that ends it."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from redis.exceptions import RedisError

from payments.domain.state_machine import UNDER_WAY
from ticketing_common.events import OrderStatus, utc_now
from ticketing_ops.audit import kinds
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import AT_ONCE, Look, Row
from ticketing_ops.audit.repairs import Resend, SayTimeIsOver

UNPAID = [OrderStatus.CREATED.value, OrderStatus.AWAITING_PAYMENT.value]
TIMERS = "arq:queue"
"""Redis' sorted set of them, by the order's id."""


async def find_late(look: Look) -> AsyncGenerator[Finding, None]:
    """Look for unpaid orders past their time that no payment keeps."""
    async for late in _unpaid(look, {"$lt": look.overdue}):
        kept = await _with_a_payment_under_way(look, list(late))
        for key, order in late.items():
            if key not in kept:
                yield Finding(
                    kinds.ORDER_PAST_ITS_TIME,
                    {"order": key, "ticket": order["ticket"]["id"]},
                    f"Order {key} is {order['status']}, and its time was over at "
                    f"{order['expires_at']:%Y-%m-%d %H:%M:%S}",
                    about=key,
                    repair=SayTimeIsOver(key),
                )


async def find_without_timer(look: Look) -> AsyncGenerator[Finding, None]:
    """Look for unpaid orders in their time that expiration has no timer for."""
    async for waiting in _unpaid(look, {"$gt": utc_now()}):
        ids = list(waiting)
        try:
            set_for: list[Any] = await look.stores.redis.zmscore(TIMERS, ids)
        except (RedisError, OSError) as error:
            raise Away("Redis of expiration", error) from error
        for key, at in zip(ids, set_for, strict=True):
            if at is None and waiting[key]["expires_at"] > utc_now():
                yield Finding(
                    kinds.TIMER_MISSING,
                    {"order": key},
                    f"Order {key} has no timer",
                    about=key,
                    repair=Resend("expiration", "ORDER", key),
                )


async def _unpaid(
    look: Look, expires: Mapping[str, object]
) -> AsyncGenerator[dict[str, Row], None]:
    """Unpaid orders that expire then, by id, as many as are asked for at once."""
    batch: dict[str, Row] = {}
    wanted = {"status": {"$in": UNPAID}, "expires_at": expires}
    shown = ("status", "expires_at", "ticket.id")
    async for key, order in look.rows("orders", "orders", *shown, where=wanted):
        batch[key] = order
        if len(batch) == AT_ONCE:
            yield batch
            batch = {}
    if batch:
        yield batch


async def _with_a_payment_under_way(look: Look, orders: list[str]) -> set[str]:
    """Those of the orders that wait, rightly, for a payment that has begun."""
    payments = await look.found("payments", "payments", "order_id", orders, "status", "pay_by")
    return {
        payment["order_id"]
        for payment in payments
        if payment["status"] in UNDER_WAY and payment["pay_by"] >= look.overdue
    }
