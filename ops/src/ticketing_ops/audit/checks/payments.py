"""Check of payments: each complete order is paid once at its price, and no other order is."""

from collections.abc import AsyncGenerator, Iterator, Mapping

from ticketing_common.events import CancelReason, OrderStatus
from ticketing_common.events.payments import PaymentStatus
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding, Kind
from ticketing_ops.audit.repairs import RefundOrder, Repair, ResendEvents
from ticketing_ops.audit.scan import Row, Scan, merge_join, value_at

IN_PROGRESS = (PaymentStatus.STARTED, PaymentStatus.NEEDS_CONFIRMATION)
CHARGED = (
    PaymentStatus.SUCCEEDED,
    PaymentStatus.REFUND_PENDING,
    PaymentStatus.REFUNDED,
    PaymentStatus.CHARGED_BACK,
)
FIELDS = ("status", "amount", "pay_by", "stripe_id", "problem", "disputed")


async def find(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Compare orders with payments, order by order."""
    orders = scan.rows("orders", "orders", "status", "reason", "ticket.price")
    payments = scan.rows("payments", "payments", *FIELDS, by="order_id")
    async for order_id, order, attempts in merge_join(orders, payments):
        for finding in (
            *_check_order(order_id, order, attempts),
            *_check_attempts(scan, order_id, attempts),
        ):
            yield finding


def _check_order(order_id: str, order: list[Row], attempts: list[Row]) -> Iterator[Finding]:
    """Check that the order is paid as its status requires."""
    charged = [payment for payment in attempts if payment["status"] in CHARGED]
    kept = [payment for payment in attempts if payment["status"] == PaymentStatus.SUCCEEDED]

    def finding(
        kind: Kind, problem: str, repair: Repair | None = None, of: list[Row] = kept
    ) -> Finding:
        payments = ", ".join(str(payment["_id"]) for payment in of)
        ids: Mapping[str, str] = {"order": order_id} | ({"payments": payments} if payments else {})
        return Finding(kind, ids, problem, target=order_id, repair=repair)

    if len(kept) > 1:
        refund = RefundOrder(order_id, "the order had been paid already")
        yield finding(kinds.PAID_TWICE, f"Order {order_id} is charged {len(kept)} times", refund)
    if not order:
        if charged:
            problem = f"Order {order_id} is paid, and orders does not have it"
            yield finding(kinds.PAYMENT_WITHOUT_ORDER, problem, of=charged)
        return
    status = order[0]["status"]
    match status:
        case OrderStatus.COMPLETE if not charged:
            problem = f"Order {order_id} is complete, and it has no payment"
            yield finding(kinds.COMPLETE_WITHOUT_PAYMENT, problem)
        case OrderStatus.CANCELLED if kept:
            refund = RefundOrder(order_id, "the order was cancelled")
            problem = f"Order {order_id} is cancelled, and its payment is not refunded"
            yield finding(kinds.CANCELLED_BUT_PAID, problem, refund)
        case OrderStatus.CREATED | OrderStatus.AWAITING_PAYMENT if kept:
            problem = f"Order {order_id} is paid, and it is still {status}"
            resend = ResendEvents("orders", "PAYMENT", order_id)
            yield finding(kinds.PAYMENT_NOT_APPLIED, problem, resend)
    if charged and order[0].get("reason") == CancelReason.EXPIRED:
        problem = f"Order {order_id} was paid, and it expired"
        yield finding(kinds.PAID_BUT_EXPIRED, problem, of=charged)
    price = value_at(order[0], "ticket.price")
    for payment in charged:
        if payment["amount"] != price:
            amount = payment["amount"]
            problem = f"Order {order_id} costs {price}, and {amount} was charged (minor units)"
            yield finding(kinds.PAYMENT_DIFFERS, problem, of=[payment])


def _check_attempts(scan: Scan, order_id: str, attempts: list[Row]) -> Iterator[Finding]:
    """Check that each attempt has ended in time, and whether it needs an operator."""
    for payment in attempts:
        payment_id = str(payment["_id"])
        ids = {"order": order_id, "payment": payment_id, "stripe": payment.get("stripe_id") or ""}
        if payment["status"] in IN_PROGRESS and payment["pay_by"] < scan.overdue:
            problem = f"Payment {payment_id} is {payment['status']}, and its time ended at "
            problem += f"{payment['pay_by']:%Y-%m-%d %H:%M:%S}"
            yield Finding(kinds.PAYMENT_NOT_SETTLED, ids, problem, target=order_id)
        if payment.get("problem"):
            problem = f"Payment {payment_id} of order {order_id}: {payment['problem']}"
            yield Finding(kinds.PAYMENT_PROBLEM, ids, problem, target=order_id)
        if payment.get("disputed"):
            problem = f"Payment {payment_id} of order {order_id} is disputed by the buyer"
            yield Finding(kinds.PAYMENT_DISPUTED, ids, problem, target=order_id)
