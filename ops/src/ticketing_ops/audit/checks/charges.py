"""Check of charges: each charge at Stripe equals its payment, and each payment has its charge."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime

from bson import ObjectId
from pymongo.errors import PyMongoError

from ticketing_common.events.payments import PaymentStatus
from ticketing_ops.audit import kinds
from ticketing_ops.audit.checks.payments import CHARGED
from ticketing_ops.audit.errors import StoreUnavailable
from ticketing_ops.audit.findings import Finding, Kind
from ticketing_ops.audit.repairs import RefundCharge
from ticketing_ops.audit.scan import BATCH, Row, Scan
from ticketing_ops.audit.stripe import Charge

MAX_REMEMBERED = 10_000
"""Charges that are kept in memory until their payments are read. Stripe is asked for others."""
FIELDS = ("status", "amount", "currency", "problem", "charged_back", "order_id")


async def find(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Read charges and payments in parallel, newest first."""
    intents: OrderedDict[str, None] = OrderedDict()
    async with aclosing(_charged_payments(scan)) as payments:
        payment = await anext(payments, None)
        async for page in _charges(scan):
            scan.counter.rows += len(page)
            charges = [charge for charge in page if charge.succeeded and charge.order_id]
            async for finding in _check_charges(scan, charges):
                yield finding
            for charge in charges:
                intents[charge.intent or ""] = None
            while len(intents) > MAX_REMEMBERED:
                intents.popitem(last=False)
            # A payment is older than its charge, so the charges of these payments were read.
            while payment is not None and _created_at(payment) >= page[-1].created:
                if (missing := await _without_charge(scan, payment, intents)) is not None:
                    yield missing
                payment = await anext(payments, None)
        while payment is not None:
            if (missing := await _without_charge(scan, payment, intents)) is not None:
                yield missing
            payment = await anext(payments, None)


async def _charges(scan: Scan) -> AsyncGenerator[list[Charge], None]:
    if scan.only is None:
        async for page in scan.stores.stripe.since(scan.charges_since):
            yield page
        return
    for target in sorted(scan.only):
        if not ObjectId.is_valid(target):
            yield [await scan.stores.stripe.get(target)]


async def _charged_payments(scan: Scan) -> AsyncGenerator[Row, None]:
    """Yield the payments with the status of a charged one, newest first."""
    ids: dict[str, object] = {"$gte": ObjectId.from_datetime(scan.charges_since)}
    if scan.only is not None:
        ids = {"$in": [ObjectId(target) for target in scan.only if ObjectId.is_valid(target)]}
    found = (
        scan.stores.databases["payments"]["payments"]
        .find({"_id": ids, "status": {"$in": list(CHARGED)}}, ["stripe_id", "order_id"])
        .sort("_id", -1)
        .batch_size(BATCH)
    )
    try:
        async with found:
            async for payment in found:
                scan.counter.rows += 1
                yield payment
    except PyMongoError as error:
        raise StoreUnavailable("MongoDB of payments", error) from error


async def _without_charge(scan: Scan, payment: Row, intents: Mapping[str, None]) -> Finding | None:
    intent = str(payment.get("stripe_id") or "")
    if intent in intents or (intent and await scan.stores.stripe.has_succeeded(intent)):
        return None
    payment_id = str(payment["_id"])
    return Finding(
        kinds.PAYMENT_WITHOUT_CHARGE,
        {"payment": payment_id, "order": payment["order_id"], "stripe": intent},
        f"Payment {payment_id} is charged, and Stripe has no charge of {intent}",
        target=payment_id,
    )


async def _check_charges(scan: Scan, charges: Iterable[Charge]) -> AsyncGenerator[Finding, None]:
    """Compare a page of charges with their payments."""
    by_intent = {charge.intent: charge for charge in charges if charge.intent}
    found = await scan.find("payments", "payments", "stripe_id", by_intent, *FIELDS)
    payments = {payment["stripe_id"]: payment for payment in found}
    unknown = [charge for charge in charges if charge.intent not in payments and charge.is_kept]
    orders = await _existing_orders(scan, unknown)
    for charge in unknown:
        yield _without_payment(charge, has_order=charge.order_id in orders)
    for intent, payment in payments.items():
        charge = by_intent[intent]
        for kind, problem in _differences(charge, payment):
            yield Finding(
                kind,
                {"charge": charge.id, "payment": str(payment["_id"]), "order": charge.order_id},
                f"Charge {charge.id} of order {charge.order_id}: {problem}",
                target=charge.id,
            )


def _without_payment(charge: Charge, *, has_order: bool) -> Finding:
    """Return the finding. Another system may own a charge whose order is unknown."""
    hint = "" if has_order else ", and orders has no such order"
    return Finding(
        kinds.CHARGE_WITHOUT_PAYMENT,
        {"charge": charge.id, "order": charge.order_id},
        f"Charge {charge.id} of {charge.amount} {charge.currency} for order {charge.order_id} "
        f"has no payment{hint}",
        target=charge.id,
        repair=RefundCharge(charge.id, charge.order_id) if has_order else None,
    )


def _differences(charge: Charge, payment: Row) -> list[tuple[Kind, str]]:
    """Return the differences between a charge and its payment."""
    found = []
    is_right = (charge.amount, charge.currency) == (payment["amount"], payment["currency"])
    if charge.is_kept and not is_right:
        expected = f"{payment['amount']} {payment['currency']}"
        problem = f"Stripe charged {charge.amount} {charge.currency}, the payment has {expected}"
        found.append((kinds.CHARGE_DIFFERS, problem))
    is_refunded = not charge.is_kept
    match payment["status"]:
        case PaymentStatus.SUCCEEDED if is_refunded:
            problem = "it is refunded at Stripe, and the payment is not"
            found.append((kinds.REFUND_NOT_RECORDED, problem))
        case PaymentStatus.SUCCEEDED if charge.refunded:
            problem = f"{charge.refunded} of {charge.amount} is refunded"
            found.append((kinds.PARTLY_REFUNDED, problem))
        case PaymentStatus.REFUNDED if not is_refunded:
            problem = "the payment is refunded, and the charge at Stripe is not"
            found.append((kinds.REFUND_NOT_MADE, problem))
        # A payment with a problem has its own finding. After a lost dispute the bank has refunded.
        case PaymentStatus.REFUND_PENDING if not (
            is_refunded or payment.get("problem") or payment.get("charged_back")
        ):
            problem = "the payment is to be refunded, and Stripe has no refund"
            found.append((kinds.REFUND_NOT_MADE, problem))
        case PaymentStatus() | str() as status if status not in CHARGED and not is_refunded:
            problem = f"Stripe has charged the buyer, and the payment is {status}"
            found.append((kinds.CHARGE_NOT_RECORDED, problem))
    return found


async def _existing_orders(scan: Scan, charges: Iterable[Charge]) -> set[str]:
    ids = {charge.order_id for charge in charges if ObjectId.is_valid(charge.order_id)}
    if not ids:
        return set()
    orders = await scan.find("orders", "orders", "_id", [ObjectId(order_id) for order_id in ids])
    return {str(order["_id"]) for order in orders}


def _created_at(payment: Row) -> datetime:
    created_at: datetime = payment["_id"].generation_time
    return created_at
