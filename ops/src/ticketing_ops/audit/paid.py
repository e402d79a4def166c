"""Who has a ticket for good has paid for it, once and no other price; nobody else has."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from decimal import Decimal
from typing import Any

from payments.domain.state_machine import UNDER_WAY, PaymentStatus
from ticketing_common.events import CancelReason, OrderStatus
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding, Kind
from ticketing_ops.audit.joins import side_by_side
from ticketing_ops.audit.looking import Look, Row, value_at
from ticketing_ops.audit.repairs import RefundOrder, Repair, Resend

CHARGED = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_PENDING, PaymentStatus.REFUNDED)
NOTED = ("status", "amount", "pay_by", "stripe_id", "problem", "disputed")


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Compare orders with payments, order by order."""
    orders = look.rows("orders", "orders", "status", "reason", "ticket.price")
    payments = look.rows("payments", "payments", *NOTED, by="order_id")
    async for key, (*order,), tries in side_by_side(orders, payments):
        for finding in (*_of_order(key, order, tries), *_of_payments(look, key, tries)):
            yield finding


def _of_order(key: str, order: list[Row], tries: list[Row]) -> Iterator[Finding]:
    """Whether the order is paid for as its status says."""
    charged = [one for one in tries if one["status"] in CHARGED]
    kept = [one for one in tries if one["status"] == PaymentStatus.SUCCEEDED]

    def wrong(
        kind: Kind, problem: str, repair: Repair | None = None, of: list[Row] = kept
    ) -> Finding:
        payments = ", ".join(str(one["_id"]) for one in of)
        ids: Mapping[str, str] = {"order": key} | ({"payments": payments} if payments else {})
        return Finding(kind, ids, problem, about=key, repair=repair)

    if len(kept) > 1:
        again = RefundOrder(key, "the order had been paid already")
        yield wrong(kinds.PAID_TWICE, f"Order {key} is charged {len(kept)} times", again)
    if not order:
        if charged:
            problem = f"Order {key} was paid for, and orders does not know it"
            yield wrong(kinds.PAYMENT_WITHOUT_ORDER, problem, of=charged)
        return
    status = order[0]["status"]
    match status:
        case OrderStatus.COMPLETE if not charged:
            problem = f"Order {key} is complete, and nothing was paid for it"
            yield wrong(kinds.COMPLETE_WITHOUT_PAYMENT, problem)
        case OrderStatus.CANCELLED if kept:
            back = RefundOrder(key, "the order was cancelled")
            problem = f"Order {key} is cancelled, and what was paid for it is not given back"
            yield wrong(kinds.CANCELLED_BUT_PAID, problem, back)
        case OrderStatus.CREATED | OrderStatus.AWAITING_PAYMENT if kept:
            problem = f"Order {key} is paid for, and is still {status}"
            yield wrong(kinds.PAYMENT_NOT_HEARD, problem, Resend("orders", "PAYMENT", key))
    if charged and order[0].get("reason") == CancelReason.EXPIRED:
        problem = f"Order {key} was paid for, and has expired"
        yield wrong(kinds.PAID_BUT_EXPIRED, problem, of=charged)
    price = _amount(value_at(order[0], "ticket.price"))
    for one in charged:
        if one["amount"] != price:
            problem = f"Order {key} costs {price}, and {one['amount']} was charged (minor units)"
            yield wrong(kinds.PAYMENT_DIFFERS, problem, of=[one])


def _of_payments(look: Look, key: str, tries: list[Row]) -> Iterator[Finding]:
    """Whether each try has come to its end, and whether it needs an operator."""
    for one in tries:
        payment = str(one["_id"])
        ids = {"order": key, "payment": payment, "stripe": one.get("stripe_id") or ""}
        if one["status"] in UNDER_WAY and one["pay_by"] < look.overdue:
            problem = f"Payment {payment} is {one['status']}, and its time was over at "
            problem += f"{one['pay_by']:%Y-%m-%d %H:%M:%S}"
            yield Finding(kinds.PAYMENT_NEVER_ENDS, ids, problem, about=key)
        if one.get("problem"):
            problem = f"Payment {payment} of order {key}: {one['problem']}"
            yield Finding(kinds.PAYMENT_PROBLEM, ids, problem, about=key)
        if one.get("disputed"):
            problem = f"Payment {payment} of order {key} is disputed by the buyer"
            yield Finding(kinds.PAYMENT_DISPUTED, ids, problem, about=key)


def _amount(price: Any) -> int:
    """A price as MongoDB keeps it, in minor units."""
    return int(price.to_decimal() * Decimal(100))
