"""Every charge at Stripe is a payment's, as the payment says; every payment's charge is there."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime

from bson import ObjectId
from pymongo.errors import PyMongoError

from payments.domain.state_machine import PaymentStatus
from ticketing_ops.audit import kinds
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding, Kind
from ticketing_ops.audit.looking import AT_ONCE, Look, Row
from ticketing_ops.audit.paid import CHARGED
from ticketing_ops.audit.repairs import RefundCharge
from ticketing_ops.audit.stripe_record import Charge

REMEMBERED = 10_000
"""Charges that are kept in mind until their payments come by: Stripe is asked for others."""
NOTED = ("status", "amount", "currency", "problem", "charged_back", "order_id")


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Read charges and payments side by side, the newest first."""
    seen: OrderedDict[str, None] = OrderedDict()
    async with aclosing(_payments(look)) as payments:
        payment = await anext(payments, None)
        async for page in _charges(look):
            look.count.rows += len(page)
            ours = [charge for charge in page if charge.succeeded and charge.order_id]
            async for finding in _compared(look, ours):
                yield finding
            for charge in ours:
                seen[charge.intent or ""] = None
            while len(seen) > REMEMBERED:
                seen.popitem(last=False)
            # A payment begins before it charges, so theirs have come by.
            while payment is not None and _begun(payment) >= page[-1].created:
                if (finding_of := await _without_charge(look, payment, seen)) is not None:
                    yield finding_of
                payment = await anext(payments, None)
        while payment is not None:
            if (finding_of := await _without_charge(look, payment, seen)) is not None:
                yield finding_of
            payment = await anext(payments, None)


async def _charges(look: Look) -> AsyncGenerator[list[Charge], None]:
    if look.only is None:
        async for page in look.stores.stripe.charges(look.since):
            yield page
        return
    for about in sorted(look.only):
        if not ObjectId.is_valid(about):
            yield [await look.stores.stripe.charge(about)]


async def _payments(look: Look) -> AsyncGenerator[Row, None]:
    """Those that say that they have charged, the newest first."""
    wanted: dict[str, object] = {"$gte": ObjectId.from_datetime(look.since)}
    if look.only is not None:
        wanted = {"$in": [ObjectId(about) for about in look.only if ObjectId.is_valid(about)]}
    found = (
        look.stores.databases["payments"]["payments"]
        .find({"_id": wanted, "status": {"$in": list(CHARGED)}}, ["stripe_id", "order_id"])
        .sort("_id", -1)
        .batch_size(AT_ONCE)
    )
    try:
        async with found:
            async for payment in found:
                look.count.rows += 1
                yield payment
    except PyMongoError as error:
        raise Away("MongoDB of payments", error) from error


async def _without_charge(look: Look, payment: Row, seen: Mapping[str, None]) -> Finding | None:
    intent = str(payment.get("stripe_id") or "")
    if intent in seen or (intent and await look.stores.stripe.has_charged(intent)):
        return None
    key = str(payment["_id"])
    return Finding(
        kinds.PAYMENT_WITHOUT_CHARGE,
        {"payment": key, "order": payment["order_id"], "stripe": intent},
        f"Payment {key} says that it has charged, and Stripe has no charge of {intent}",
        about=key,
    )


async def _compared(look: Look, charges: Iterable[Charge]) -> AsyncGenerator[Finding, None]:
    """What is wrong with some charges that name orders, a page of them."""
    by_intent = {charge.intent: charge for charge in charges if charge.intent}
    found = await look.found("payments", "payments", "stripe_id", by_intent, *NOTED)
    payments = {payment["stripe_id"]: payment for payment in found}
    unknown = [charge for charge in charges if charge.intent not in payments and charge.is_kept]
    ours = await _known_orders(look, unknown)
    for charge in unknown:
        yield _unknown(charge, is_ours=charge.order_id in ours)
    for intent, payment in payments.items():
        for kind, problem in _differences(by_intent[intent], payment):
            charge = by_intent[intent]
            yield Finding(
                kind,
                {"charge": charge.id, "payment": str(payment["_id"]), "order": charge.order_id},
                f"Charge {charge.id} of order {charge.order_id}: {problem}",
                about=charge.id,
            )


def _unknown(charge: Charge, *, is_ours: bool) -> Finding:
    """Only what was charged for an order that we know is certainly ours to give back."""
    whose = "" if is_ours else ", nor orders of that order"
    return Finding(
        kinds.CHARGE_WITHOUT_PAYMENT,
        {"charge": charge.id, "order": charge.order_id},
        f"Charge {charge.id} of {charge.amount} {charge.currency} for order {charge.order_id}: "
        f"payments knows nothing of it{whose}",
        about=charge.id,
        repair=RefundCharge(charge.id, charge.order_id) if is_ours else None,
    )


def _differences(charge: Charge, payment: Row) -> list[tuple[Kind, str]]:
    """How a payment tells otherwise of its charge than Stripe."""
    found = []
    if (charge.amount, charge.currency) != (payment["amount"], payment["currency"]):
        says = f"{payment['amount']} {payment['currency']}"
        problem = f"Stripe took {charge.amount} {charge.currency}, the payment says {says}"
        found.append((kinds.CHARGE_DIFFERS, problem))
    is_back = not charge.is_kept
    match payment["status"]:
        case PaymentStatus.SUCCEEDED if is_back:
            problem = "it was given back at Stripe, and the payment still counts"
            found.append((kinds.REFUND_NOT_NOTED, problem))
        case PaymentStatus.SUCCEEDED if charge.refunded:
            problem = f"{charge.refunded} of {charge.amount} was given back"
            found.append((kinds.PARTLY_REFUNDED, problem))
        case PaymentStatus.REFUNDED if not is_back:
            problem = "the payment says that it was given back, and Stripe has it"
            found.append((kinds.REFUND_NOT_MADE, problem))
        # One with a problem is told as such; after a lost dispute it is the bank that has refunded.
        case PaymentStatus.REFUND_PENDING if not (
            is_back or payment.get("problem") or payment.get("charged_back")
        ):
            problem = "it is to be given back, and Stripe knows nothing of that"
            found.append((kinds.REFUND_NOT_MADE, problem))
        case PaymentStatus() | str() as status if status not in CHARGED and not is_back:
            problem = f"Stripe has charged the buyer, and the payment is {status}"
            found.append((kinds.CHARGE_NOT_NOTED, problem))
    return found


async def _known_orders(look: Look, charges: Iterable[Charge]) -> set[str]:
    named = {charge.order_id for charge in charges if ObjectId.is_valid(charge.order_id)}
    if not named:
        return set()
    ids = [ObjectId(order) for order in named]
    return {str(row["_id"]) for row in await look.found("orders", "orders", "_id", ids)}


def _begun(payment: Row) -> datetime:
    begun: datetime = payment["_id"].generation_time
    return begun
