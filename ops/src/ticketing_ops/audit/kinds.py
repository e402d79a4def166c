"""Every kind of finding. docs/audit.md explains them."""

from ticketing_ops.audit.findings import Kind

_kinds: list[Kind] = []


def _kind(name: str, invariant: int, advice: str, *, is_note: bool = False) -> Kind:
    kind = Kind(name, invariant, advice, is_note)
    _kinds.append(kind)
    return kind


MANUAL = "No event can repair it: "

TWO_LIVE_ORDERS = _kind(
    "two-live-orders",
    1,
    MANUAL + "agree with the buyers on one of them, cancel the other order, and refund it if paid.",
)
ORDER_WITHOUT_RESERVATION = _kind(
    "order-without-reservation",
    1,
    MANUAL + "the ticket could be sold twice. Insert the reservation into the database of orders "
    "(_id is the ticket's id, order_id the order's), or ask the buyer to cancel.",
)
RESERVATION_WITHOUT_ORDER = _kind(
    "reservation-without-order",
    1,
    MANUAL + "nobody can order the ticket. Delete this reservation from the database of orders, "
    "by its _id and order_id.",
)

EVENT_NOT_PUBLISHED = _kind(
    "event-not-published",
    2,
    "Check that the service runs and reaches NATS. Its log has `relay.failed` with the cause. If "
    "NATS refused the event: see `TicketingEventsSetAside` in docs/operations.md.",
)
EVENTS_NOT_HANDLED = _kind(
    "events-not-handled",
    2,
    "Check that the service runs, and read the failures in its log.",
)
EVENT_PARKED = _kind(
    "event-parked",
    2,
    "The event waits for another one, or its handler fails: read the reason. Repair the copy that "
    "lacks the awaited event. After a day it becomes a dead letter.",
)
EVENT_LOST = _kind(
    "event-lost",
    2,
    "The event was acknowledged, and the service has no record of it, for example because its "
    "database was restored from a backup. --repair sends it again.",
)
NOT_SUBSCRIBED = _kind(
    "not-subscribed",
    2,
    "Run `ticketing streams provision`, or restart the service.",
)
STREAM_MISSING = _kind(
    "stream-missing",
    2,
    "Run `ticketing streams provision`, which creates it and its consumers. The events of the "
    "stream are lost, so run the audit again afterwards.",
)

COPY_MISSING = _kind(
    "copy-missing",
    3,
    "--repair sends its events again. Events that the stream no longer has: see docs/audit.md.",
)
COPY_BEHIND = _kind(
    "copy-behind",
    3,
    "--repair sends the missing events again. If that does not help, read the service's log.",
)
COPY_DIFFERS = _kind(
    "copy-differs",
    3,
    "It was changed manually or by a bug, or a database was restored from a backup. Where --repair "
    "does not help, delete the copy and replay its events: see docs/audit.md.",
)
COPY_WITHOUT_SOURCE = _kind(
    "copy-without-source",
    3,
    "--repair sends the event of the deletion again. If the source's database was restored from a "
    "backup, restore the source instead.",
)

CHARGE_WITHOUT_PAYMENT = _kind(
    "charge-without-payment",
    4,
    "--repair refunds it at Stripe if the order exists. Otherwise read the charge at Stripe: "
    "another installation may share the account.",
)
CHARGE_NOT_RECORDED = _kind(
    "charge-not-recorded",
    4,
    "Run `ticketing payments reconcile`: it processes events whose webhook was missed.",
)
CHARGE_DIFFERS = _kind(
    "charge-differs",
    4,
    "Compare the charge at Stripe with the order, and refund or collect the difference there.",
)
PAYMENT_WITHOUT_CHARGE = _kind(
    "payment-without-charge",
    4,
    "Check that STRIPE_KEY belongs to the account of payments, and read the PaymentIntent there.",
)
REFUND_NOT_MADE = _kind(
    "refund-not-made",
    4,
    "payments retries by itself. If it lasts, read its log. `ticketing payments reconcile` "
    "processes a refund that the bank returned.",
)
REFUND_NOT_RECORDED = _kind(
    "refund-not-recorded",
    4,
    "It was refunded in Stripe's dashboard. Run `ticketing payments reconcile`.",
)
PAID_TWICE = _kind(
    "paid-twice",
    4,
    "--repair refunds the last payment through payments.",
)
COMPLETE_WITHOUT_PAYMENT = _kind(
    "complete-without-payment",
    4,
    MANUAL + "the buyer has the ticket and has not paid. If the database of payments was restored "
    "from a backup, find the charge at Stripe by the order's id.",
)
CANCELLED_BUT_PAID = _kind(
    "cancelled-but-paid",
    4,
    "--repair refunds it through payments.",
)
PAYMENT_NOT_APPLIED = _kind(
    "payment-not-applied",
    4,
    "The order is paid, and orders has not processed it. --repair sends the payment's events "
    "again.",
)
PAYMENT_WITHOUT_ORDER = _kind(
    "payment-without-order",
    4,
    MANUAL + "orders has lost the order. Restore it, or run `ticketing payments refund`.",
)
PAYMENT_DIFFERS = _kind(
    "payment-differs",
    4,
    "The charge is not the order's price: refund or collect the difference.",
)
PAYMENT_PROBLEM = _kind(
    "payment-problem",
    4,
    "A refund needs an operator: see docs/payments.md.",
    is_note=True,
)
PAYMENT_DISPUTED = _kind(
    "payment-disputed",
    4,
    "Answer the dispute at Stripe: see docs/payments.md.",
    is_note=True,
)
PARTLY_REFUNDED = _kind(
    "partly-refunded",
    4,
    "A part was refunded in Stripe's dashboard. The buyer keeps the order.",
    is_note=True,
)

ORDER_NOT_EXPIRED = _kind(
    "order-not-expired",
    5,
    "--repair publishes the expiration for orders, and sends the payment's events again.",
)
PAID_BUT_EXPIRED = _kind(
    "paid-but-expired",
    5,
    "The payment is refunded, and the ticket may be sold to another buyer. Inform the buyer and "
    "the developers: only an unpaid order may expire.",
    is_note=True,
)
PAYMENT_NOT_SETTLED = _kind(
    "payment-not-settled",
    5,
    "payments cancels it at Stripe when it runs and Stripe is available. Read its log.",
)
TIMER_MISSING = _kind(
    "timer-missing",
    5,
    "The order would not expire. --repair sends its order.created to expiration again, which sets "
    "the timer.",
)
TICKET_HELD_WITHOUT_ORDER = _kind(
    "ticket-held-without-order",
    5,
    "Nobody can buy it. --repair sends the order's events again; order.cancelled releases it.",
)
TICKET_NOT_HELD = _kind(
    "ticket-not-held",
    5,
    "It is listed for sale, and orders rejects it. --repair sends the order's events again.",
)
TICKET_DELETED_BUT_ORDERED = _kind(
    "ticket-deleted-but-ordered",
    5,
    "--repair sends the ticket's events again; ticket.deleted cancels and refunds the order.",
)
TICKET_BLOCKED = _kind(
    "ticket-blocked",
    5,
    MANUAL + "orders has the ticket as deleted, and it exists. If the database of tickets was "
    "restored from a backup, delete the ticket again; otherwise delete the reservation by its _id.",
)

DEAD_LETTERS = _kind(
    "dead-letters",
    6,
    "Read the cause with `ticketing dead-letters list` and `show`, fix it, then `retry` them.",
)
EVENTS_REMOVED = _kind(
    "events-removed",
    6,
    "Messages were deleted from this stream. A consumer that had not received them never will, "
    "and a replay lacks them.",
    is_note=True,
)

KINDS = tuple(_kinds)
"""Every kind."""
