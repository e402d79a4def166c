"""Functions that cause each kind of problem, and return the findings of an audit."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bson import ObjectId
from ops.tests.audit.shop import Shop

from ticketing_common.events import TicketUpdated, utc_now

Ids = dict[str, str]
Expected = list[tuple[str, Ids]]
Cause = Callable[[Shop], Awaitable[Expected]]

IN_DATABASES: list[Cause] = []
"""Problems of documents only: restoring the documents resolves them."""


def in_databases(cause: Cause) -> Cause:
    IN_DATABASES.append(cause)
    return cause


def new_id() -> str:
    return str(ObjectId())


def lost(shop: Shop, service: str, subject: str, document: str) -> tuple[str, Ids]:
    """Return the finding of an event whose effect is missing."""
    event = shop.event_ids[subject, document]
    return ("event-lost", {"event": event, "service": service, "document": document})


# 1. No ticket is in two live orders.


@in_databases
async def second_live_order(shop: Shop) -> Expected:
    """Insert a second order with all its copies."""
    other = new_id()
    row = await shop.databases["orders"]["orders"].find_one({"_id": ObjectId(shop.waiting)})
    assert row is not None
    await shop.databases["orders"]["orders"].insert_one(row | {"_id": ObjectId(other)})
    for service in ("payments", "contact"):
        copy = await shop.databases[service]["orders"].find_one({"_id": ObjectId(shop.waiting)})
        assert copy is not None
        await shop.databases[service]["orders"].insert_one(copy | {"_id": ObjectId(other)})
    await shop.insert("tickets", "holds", _id=other, state="held", changed_at=utc_now())
    await shop.redis.zadd("arq:queue", {other: 1})
    both = {"ticket": shop.held, "orders": f"{shop.waiting}, {other}"}
    return [("two-live-orders", both)]


@in_databases
async def missing_reservation(shop: Shop) -> Expected:
    await shop.remove("orders", "reservations", shop.sold)
    ids = {"order": shop.complete, "ticket": shop.sold}
    return [
        ("order-without-reservation", ids),
        ("ticket-held-without-order", {"ticket": shop.sold, "order": shop.complete}),
    ]


@in_databases
async def reservation_of_cancelled_order(shop: Shop) -> Expected:
    order = ObjectId(shop.cancelled)
    await shop.insert("orders", "reservations", _id=shop.free, order_id=order)
    ids = {"ticket": shop.free, "order": shop.cancelled}
    return [("reservation-without-order", ids), ("ticket-not-held", ids)]


# 2. Every committed change reaches every consumer.


@in_databases
async def unpublished_outbox_row(shop: Shop) -> Expected:
    row = new_id()
    await shop.insert(
        "orders",
        "outbox",
        _id=row,
        aggregate_id=shop.complete,
        subject="order.completed",
        created_at=utc_now() - timedelta(minutes=1),
    )
    return [("event-not-published", {"service": "orders", "event": row, "document": shop.complete})]


@in_databases
async def missing_inbox_row(shop: Shop) -> Expected:
    event = shop.event_ids["payment.started", shop.complete]
    await shop.delete_inbox_row("orders", event)
    return [("event-lost", {"event": event, "service": "orders", "document": shop.payment})]


@in_databases
async def parked_event(shop: Shop) -> Expected:
    ticket, event = new_id(), new_id()
    await shop.databases["orders"]["parked_events"].insert_one(
        {
            "_id": event,
            "subject": "ticket.updated",
            "aggregate_id": ticket,
            "reason": "the copy misses a version",
            "parked_at": utc_now() - timedelta(minutes=1),
        }
    )
    return [("event-parked", {"service": "orders", "event": event, "document": ticket})]


# 3. Every copy equals its source.


@in_databases
async def copy_with_other_price(shop: Shop) -> Expected:
    await shop.change("orders", "tickets", shop.free, price=None)
    return [("copy-differs", {"ticket": shop.free, "service": "orders"})]


@in_databases
async def copies_behind_source(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.free, title="Opera", version=3)
    return [
        ("copy-behind", {"ticket": shop.free, "service": service})
        for service in ("orders", "contact")
    ]


@in_databases
async def copy_with_other_status(shop: Shop) -> Expected:
    await shop.change("payments", "orders", shop.waiting, status="cancelled")
    return [("copy-differs", {"order": shop.waiting, "service": "payments"})]


@in_databases
async def hold_of_cancelled_order(shop: Shop) -> Expected:
    await shop.change("tickets", "holds", shop.cancelled, state="held")
    return [
        lost(shop, "tickets", "order.cancelled", shop.cancelled),
        ("copy-differs", {"order": shop.cancelled, "service": "tickets"}),
    ]


@in_databases
async def missing_copies(shop: Shop) -> Expected:
    await shop.remove("contact", "orders", shop.waiting)
    await shop.remove("contact", "recipients", shop.seller)
    return [
        lost(shop, "contact", "order.created", shop.waiting),
        lost(shop, "contact", "user.signed-up", shop.seller),
        ("copy-missing", {"order": shop.waiting, "service": "contact"}),
        ("copy-missing", {"user": shop.seller, "service": "contact"}),
    ]


@in_databases
async def copy_of_deleted_ticket(shop: Shop) -> Expected:
    await shop.remove("tickets", "tickets", shop.free)
    return [("copy-without-source", {"ticket": shop.free, "service": "orders"})]


@in_databases
async def ticket_marked_as_deleted(shop: Shop) -> Expected:
    await shop.change("orders", "tickets", shop.free, deleted=True)
    await shop.insert("orders", "reservations", _id=shop.free, order_id=None)
    return [
        ("copy-differs", {"ticket": shop.free, "service": "orders"}),
        ("ticket-blocked", {"ticket": shop.free}),
    ]


# 4. Money.


async def charge_without_payment(shop: Shop) -> Expected:
    _, charge = await shop.charge_order(shop.complete, new_id())
    return [("charge-without-payment", {"charge": charge, "order": shop.complete})]


async def charge_of_failed_payment(shop: Shop) -> Expected:
    payment = new_id()
    intent, charge = await shop.charge_order(shop.waiting, payment)
    await shop.insert_payment(shop.waiting, _id=payment, stripe_id=intent, status="failed")
    ids = {"charge": charge, "payment": payment, "order": shop.waiting}
    return [("charge-not-recorded", ids)]


async def charge_of_other_amount(shop: Shop) -> Expected:
    await shop.change("payments", "payments", shop.payment, amount=100)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    of_order = {"order": shop.complete, "payments": shop.payment}
    return [("payment-differs", of_order), ("charge-differs", ids)]


async def payment_without_charge(shop: Shop) -> Expected:
    payment = await shop.insert_payment(
        shop.cancelled, stripe_id="pi_unknown", status="refunded", ticket_id=shop.free
    )
    ids = {"payment": payment, "order": shop.cancelled, "stripe": "pi_unknown"}
    return [("payment-without-charge", ids)]


@in_databases
async def refund_without_stripe_refund(shop: Shop) -> Expected:
    await shop.change("payments", "payments", shop.payment, status="refunded")
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("refund-not-made", ids)]


async def refund_in_dashboard(shop: Shop) -> Expected:
    await shop.refund_charge(shop.charge)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("refund-not-recorded", ids)]


async def partial_refund(shop: Shop) -> Expected:
    await shop.refund_charge(shop.charge, amount=500)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("partly-refunded", ids)]


async def order_paid_twice(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charge_order(shop.complete, payment)
    await shop.insert_payment(shop.complete, _id=payment, stripe_id=intent, attempt=2)
    both = ", ".join(sorted([shop.payment, payment]))
    return [("paid-twice", {"order": shop.complete, "payments": both})]


@in_databases
async def complete_order_without_payment(shop: Shop) -> Expected:
    await shop.remove("payments", "payments", shop.payment)
    return [
        ("complete-without-payment", {"order": shop.complete}),
        ("charge-without-payment", {"charge": shop.charge, "order": shop.complete}),
    ]


async def cancelled_order_with_payment(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charge_order(shop.cancelled, payment)
    await shop.insert_payment(shop.cancelled, _id=payment, stripe_id=intent, ticket_id=shop.free)
    return [("cancelled-but-paid", {"order": shop.cancelled, "payments": payment})]


async def payment_not_applied(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charge_order(shop.waiting, payment)
    await shop.insert_payment(shop.waiting, _id=payment, stripe_id=intent, ticket_id=shop.held)
    return [("payment-not-applied", {"order": shop.waiting, "payments": payment})]


async def payment_of_unknown_order(shop: Shop) -> Expected:
    payment, order = new_id(), new_id()
    intent, _ = await shop.charge_order(order, payment)
    await shop.insert_payment(order, _id=payment, stripe_id=intent)
    return [("payment-without-order", {"order": order, "payments": payment})]


@in_databases
async def payment_with_problem_and_dispute(shop: Shop) -> Expected:
    returned = {"status": "refund-pending", "problem": "The bank returned it"}
    await shop.change("payments", "payments", shop.payment, **returned, disputed=True)
    ids = {"order": shop.complete, "payment": shop.payment, "stripe": shop.intent}
    return [("payment-problem", ids), ("payment-disputed", ids)]


# 5. Every unpaid order ends in time, and its ticket is for sale again.


async def overdue_order(shop: Shop) -> Expected:
    expired = utc_now() - timedelta(minutes=1)
    for service in ("orders", "payments"):
        await shop.change(service, "orders", shop.waiting, expires_at=expired)
    return [("order-not-expired", {"order": shop.waiting, "ticket": shop.held})]


@in_databases
async def expired_order_with_payment(shop: Shop) -> Expected:
    await shop.change("orders", "orders", shop.cancelled, reason="expired")
    payment = await shop.insert_payment(shop.cancelled, status="refunded")
    of_order = {"order": shop.cancelled, "payments": payment}
    of_payment = {"payment": payment, "order": shop.cancelled, "stripe": ""}
    return [("paid-but-expired", of_order), ("payment-without-charge", of_payment)]


@in_databases
async def unsettled_payment(shop: Shop) -> Expected:
    expired = utc_now() - timedelta(minutes=1)
    payment = await shop.insert_payment(shop.cancelled, status="started", pay_by=expired)
    ids = {"order": shop.cancelled, "payment": payment, "stripe": ""}
    return [("payment-not-settled", ids)]


async def missing_timer(shop: Shop) -> Expected:
    await shop.redis.zrem("arq:queue", shop.waiting)
    return [("timer-missing", {"order": shop.waiting})]


@in_databases
async def ticket_held_for_cancelled_order(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.free, order_id=shop.cancelled)
    return [("ticket-held-without-order", {"ticket": shop.free, "order": shop.cancelled})]


@in_databases
async def sold_ticket_not_held(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.sold, order_id=None)
    return [("ticket-not-held", {"ticket": shop.sold, "order": shop.complete})]


@in_databases
async def deleted_ticket_with_order(shop: Shop) -> Expected:
    await shop.remove("tickets", "tickets", shop.held)
    return [
        ("copy-without-source", {"ticket": shop.held, "service": "orders"}),
        ("ticket-deleted-but-ordered", {"ticket": shop.held, "order": shop.waiting}),
    ]


# 2 and 6. Streams.


async def unacknowledged_event(shop: Shop) -> Expected:
    """Publish an event whose effect exists and that no consumer has acknowledged."""
    event: TicketUpdated = shop.ticket_held(shop.free, None, 2)
    event_id = await shop.publish(event)
    return [
        ("events-not-handled", {"service": service, "stream": "TICKET", "event": event_id})
        for service in ("orders", "contact")
    ]


async def missing_consumer(shop: Shop) -> Expected:
    await shop.js.delete_consumer("ORDER", "tickets")
    return [("not-subscribed", {"service": "tickets", "stream": "ORDER"})]


async def missing_stream(shop: Shop) -> Expected:
    await shop.js.delete_stream("PAYMENT")
    return [("stream-missing", {"stream": "PAYMENT"})]


async def dead_letter(shop: Shop) -> Expected:
    headers = {
        "ce-id": "a",
        "Dead-Letter-Listener": "orders.expire_order",
        "Dead-Letter-Subject": "expiration.completed",
        "Dead-Letter-Cause": "There is no order a",
    }
    subject = "dead-letter.orders.expiration.completed"
    await shop.js.publish(subject, b"{}", headers=headers)
    listener = {"listener": "orders.expire_order", "subject": "expiration.completed"}
    return [("dead-letters", listener | {"events": "a"})]


async def deleted_message(shop: Shop) -> Expected:
    await shop.js.delete_msg("ORDER", 2)
    return [("events-removed", {"stream": "ORDER"})]


IN_OTHER_STORES: list[Cause] = [
    charge_without_payment,
    charge_of_failed_payment,
    charge_of_other_amount,
    payment_without_charge,
    refund_in_dashboard,
    partial_refund,
    order_paid_twice,
    cancelled_order_with_payment,
    payment_not_applied,
    payment_of_unknown_order,
    overdue_order,
    missing_timer,
    unacknowledged_event,
    missing_consumer,
    missing_stream,
    dead_letter,
    deleted_message,
]
"""Problems that restored documents do not resolve."""
ALL = [*IN_DATABASES, *IN_OTHER_STORES]
