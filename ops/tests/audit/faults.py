"""Everything that can be wrong, planted by hand: each fault with what an audit should say of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bson import ObjectId
from ops.tests.audit.shop import Shop

from ticketing_common.events import TicketUpdated, utc_now

Ids = dict[str, str]
Expected = list[tuple[str, Ids]]
Plant = Callable[[Shop], Awaitable[Expected]]

IN_STORES: list[Plant] = []
"""Those that consist of documents alone: when the documents are back, all is well."""


def in_stores(plant: Plant) -> Plant:
    IN_STORES.append(plant)
    return plant


def new_id() -> str:
    return str(ObjectId())


# 1. No ticket is in two live orders.


@in_stores
async def a_second_live_order(shop: Shop) -> Expected:
    """As if the reservation had not kept it out. All copies know of it."""
    other = new_id()
    row = await shop.databases["orders"]["orders"].find_one({"_id": ObjectId(shop.waiting)})
    assert row is not None
    await shop.databases["orders"]["orders"].insert_one(row | {"_id": ObjectId(other)})
    for service in ("payments", "contact"):
        copy = await shop.databases[service]["orders"].find_one({"_id": ObjectId(shop.waiting)})
        assert copy is not None
        await shop.databases[service]["orders"].insert_one(copy | {"_id": ObjectId(other)})
    await shop.insert("tickets", "holds", _id=other, state="held", at=utc_now())
    await shop.redis.zadd("arq:queue", {other: 1})
    both = {"ticket": shop.held, "orders": f"{shop.waiting}, {other}"}
    return [("two-live-orders", both)]


@in_stores
async def a_reservation_that_is_gone(shop: Shop) -> Expected:
    await shop.remove("orders", "reservations", shop.sold)
    ids = {"order": shop.complete, "ticket": shop.sold}
    return [
        ("order-without-reservation", ids),
        ("ticket-held-for-nobody", {"ticket": shop.sold, "order": shop.complete}),
    ]


@in_stores
async def a_reservation_for_a_cancelled_order(shop: Shop) -> Expected:
    order = ObjectId(shop.cancelled)
    await shop.insert("orders", "reservations", _id=shop.free, order_id=order)
    ids = {"ticket": shop.free, "order": shop.cancelled}
    return [("reservation-without-order", ids), ("ticket-not-held", ids)]


# 2. Every write has reached every listener.


@in_stores
async def an_outbox_that_nobody_empties(shop: Shop) -> Expected:
    row = new_id()
    await shop.insert(
        "orders",
        "outbox",
        _id=row,
        key=shop.complete,
        subject="order.completed",
        at=utc_now() - timedelta(minutes=1),
    )
    return [("event-not-published", {"service": "orders", "event": row, "document": shop.complete})]


@in_stores
async def an_event_without_an_inbox_row(shop: Shop) -> Expected:
    await shop.forget("orders", shop.payment_created)
    ids = {"event": shop.payment_created, "service": "orders", "document": shop.payment}
    return [("event-lost", ids)]


# 3. Every copy equals its source.


@in_stores
async def a_copy_with_another_price(shop: Shop) -> Expected:
    await shop.change("orders", "tickets", shop.free, price=None)
    return [("copy-differs", {"ticket": shop.free, "service": "orders"})]


@in_stores
async def a_source_that_has_moved_on(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.free, title="Opera", version=3)
    return [
        ("copy-behind", {"ticket": shop.free, "service": service})
        for service in ("orders", "contact")
    ]


@in_stores
async def an_order_that_payments_has_another_status_of(shop: Shop) -> Expected:
    await shop.change("payments", "orders", shop.waiting, status="cancelled")
    return [("copy-differs", {"order": shop.waiting, "service": "payments"})]


@in_stores
async def a_hold_that_was_never_let_go(shop: Shop) -> Expected:
    await shop.change("tickets", "holds", shop.cancelled, state="held")
    return [("copy-differs", {"order": shop.cancelled, "service": "tickets"})]


@in_stores
async def copies_that_are_gone(shop: Shop) -> Expected:
    await shop.remove("contact", "orders", shop.waiting)
    await shop.remove("contact", "recipients", shop.seller)
    return [
        ("copy-missing", {"order": shop.waiting, "service": "contact"}),
        ("copy-missing", {"user": shop.seller, "service": "contact"}),
    ]


@in_stores
async def a_session_that_is_not_ended_everywhere(shop: Shop) -> Expected:
    await shop.remove("payments", "session_cutoffs", shop.buyer)
    return [("copy-missing", {"session cutoff": shop.buyer, "service": "payments"})]


@in_stores
async def a_ticket_whose_end_orders_has_not_heard_of(shop: Shop) -> Expected:
    await shop.remove("tickets", "tickets", shop.free)
    return [("copy-outlives", {"ticket": shop.free, "service": "orders"})]


@in_stores
async def a_ticket_that_orders_has_buried_alive(shop: Shop) -> Expected:
    await shop.change("orders", "tickets", shop.free, deleted=True)
    await shop.insert("orders", "reservations", _id=shop.free, order_id=None)
    return [
        ("copy-differs", {"ticket": shop.free, "service": "orders"}),
        ("ticket-blocked", {"ticket": shop.free}),
    ]


# 4. Money.


async def a_charge_that_no_payment_knows(shop: Shop) -> Expected:
    _, charge = await shop.charged(shop.complete, new_id())
    return [("charge-without-payment", {"charge": charge, "order": shop.complete})]


async def a_charge_of_a_failed_payment(shop: Shop) -> Expected:
    payment = new_id()
    intent, charge = await shop.charged(shop.waiting, payment)
    await shop.pay(shop.waiting, _id=payment, stripe_id=intent, status="failed")
    ids = {"charge": charge, "payment": payment, "order": shop.waiting}
    return [("charge-not-noted", ids)]


async def a_charge_of_another_amount(shop: Shop) -> Expected:
    await shop.change("payments", "payments", shop.payment, amount=100)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    mine = {"order": shop.complete, "payments": shop.payment}
    return [("payment-differs", mine), ("charge-differs", ids)]


async def a_payment_that_stripe_knows_nothing_of(shop: Shop) -> Expected:
    payment = await shop.pay(
        shop.cancelled, stripe_id="pi_unknown", status="refunded", ticket_id=shop.free
    )
    ids = {"payment": payment, "order": shop.cancelled, "stripe": "pi_unknown"}
    return [("payment-without-charge", ids)]


@in_stores
async def a_refund_that_was_never_made(shop: Shop) -> Expected:
    await shop.change("payments", "payments", shop.payment, status="refunded")
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("refund-not-made", ids)]


async def a_refund_that_payments_has_not_heard_of(shop: Shop) -> Expected:
    await shop.given_back(shop.charge)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("refund-not-noted", ids)]


async def a_refund_of_a_part(shop: Shop) -> Expected:
    await shop.given_back(shop.charge, amount=500)
    ids = {"charge": shop.charge, "payment": shop.payment, "order": shop.complete}
    return [("partly-refunded", ids)]


async def an_order_that_was_paid_twice(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charged(shop.complete, payment)
    await shop.pay(shop.complete, _id=payment, stripe_id=intent, number=2)
    both = ", ".join(sorted([shop.payment, payment]))
    return [("paid-twice", {"order": shop.complete, "payments": both})]


@in_stores
async def an_order_that_is_complete_and_not_paid(shop: Shop) -> Expected:
    await shop.remove("payments", "payments", shop.payment)
    return [
        ("complete-without-payment", {"order": shop.complete}),
        ("charge-without-payment", {"charge": shop.charge, "order": shop.complete}),
    ]


async def a_paid_order_that_was_cancelled(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charged(shop.cancelled, payment)
    await shop.pay(shop.cancelled, _id=payment, stripe_id=intent, ticket_id=shop.free)
    return [("cancelled-but-paid", {"order": shop.cancelled, "payments": payment})]


async def a_payment_that_orders_has_not_heard_of(shop: Shop) -> Expected:
    payment = new_id()
    intent, _ = await shop.charged(shop.waiting, payment)
    await shop.pay(shop.waiting, _id=payment, stripe_id=intent, ticket_id=shop.held)
    return [("payment-not-heard", {"order": shop.waiting, "payments": payment})]


async def a_payment_for_an_order_that_nobody_knows(shop: Shop) -> Expected:
    payment, order = new_id(), new_id()
    intent, _ = await shop.charged(order, payment)
    await shop.pay(order, _id=payment, stripe_id=intent)
    return [("payment-without-order", {"order": order, "payments": payment})]


@in_stores
async def payments_that_wait_for_an_operator(shop: Shop) -> Expected:
    sent_back = {"status": "refund-pending", "problem": "The bank sent it back"}
    await shop.change("payments", "payments", shop.payment, **sent_back, disputed=True)
    ids = {"order": shop.complete, "payment": shop.payment, "stripe": shop.intent}
    return [("payment-problem", ids), ("payment-disputed", ids)]


# 5. Every unpaid order ends in time, and its ticket is free again.


async def an_order_past_its_time(shop: Shop) -> Expected:
    late = utc_now() - timedelta(minutes=1)
    for service in ("orders", "payments"):
        await shop.change(service, "orders", shop.waiting, expires_at=late)
    return [("order-past-its-time", {"order": shop.waiting, "ticket": shop.held})]


@in_stores
async def a_paid_order_that_has_expired(shop: Shop) -> Expected:
    await shop.change("orders", "orders", shop.cancelled, reason="expired")
    payment = await shop.pay(shop.cancelled, status="refunded")
    mine = {"order": shop.cancelled, "payments": payment}
    at_stripe = {"payment": payment, "order": shop.cancelled, "stripe": ""}
    return [("paid-but-expired", mine), ("payment-without-charge", at_stripe)]


@in_stores
async def a_payment_that_never_ends(shop: Shop) -> Expected:
    late = utc_now() - timedelta(minutes=1)
    payment = await shop.pay(shop.cancelled, status="started", pay_by=late)
    ids = {"order": shop.cancelled, "payment": payment, "stripe": ""}
    return [("payment-never-ends", ids)]


async def a_timer_that_is_gone(shop: Shop) -> Expected:
    await shop.redis.zrem("arq:queue", shop.waiting)
    return [("timer-missing", {"order": shop.waiting})]


@in_stores
async def a_ticket_that_was_never_let_go(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.free, order_id=shop.cancelled)
    return [("ticket-held-for-nobody", {"ticket": shop.free, "order": shop.cancelled})]


@in_stores
async def a_ticket_that_is_on_sale_though_it_is_sold(shop: Shop) -> Expected:
    await shop.change("tickets", "tickets", shop.sold, order_id=None)
    return [("ticket-not-held", {"ticket": shop.sold, "order": shop.complete})]


@in_stores
async def a_ticket_that_is_gone_and_ordered(shop: Shop) -> Expected:
    await shop.remove("tickets", "tickets", shop.held)
    return [
        ("copy-outlives", {"ticket": shop.held, "service": "orders"}),
        ("ticket-gone-but-ordered", {"ticket": shop.held, "order": shop.waiting}),
    ]


# 2 and 6. The streams.


async def an_event_that_is_not_handled(shop: Shop) -> Expected:
    """Its effect is there; nobody has told the broker."""
    event: TicketUpdated = shop.now_held(shop.free, None, 2)
    event_id = await shop.say(event)
    return [
        ("events-not-handled", {"service": service, "stream": "TICKET", "event": event_id})
        for service in ("orders", "contact")
    ]


async def a_service_that_does_not_listen(shop: Shop) -> Expected:
    await shop.js.delete_consumer("ORDER", "tickets")
    return [("not-listening", {"service": "tickets", "stream": "ORDER"})]


async def a_stream_that_is_not_there(shop: Shop) -> Expected:
    await shop.js.delete_stream("PAYMENT")
    return [("stream-missing", {"stream": "PAYMENT"})]


async def a_dead_letter(shop: Shop) -> Expected:
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


async def a_message_that_was_taken_out_of_a_stream(shop: Shop) -> Expected:
    await shop.js.delete_msg("ORDER", 2)
    return [("events-removed", {"stream": "ORDER"})]


ELSEWHERE: list[Plant] = [
    a_charge_that_no_payment_knows,
    a_charge_of_a_failed_payment,
    a_charge_of_another_amount,
    a_payment_that_stripe_knows_nothing_of,
    a_refund_that_payments_has_not_heard_of,
    a_refund_of_a_part,
    an_order_that_was_paid_twice,
    a_paid_order_that_was_cancelled,
    a_payment_that_orders_has_not_heard_of,
    a_payment_for_an_order_that_nobody_knows,
    an_order_past_its_time,
    a_timer_that_is_gone,
    an_event_that_is_not_handled,
    a_service_that_does_not_listen,
    a_stream_that_is_not_there,
    a_dead_letter,
    a_message_that_was_taken_out_of_a_stream,
]
"""Those that other documents do not heal."""
EVERY = [*IN_STORES, *ELSEWHERE]
