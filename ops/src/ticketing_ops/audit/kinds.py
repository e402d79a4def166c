"""Everything that an audit can find, and what to do about it: docs/audit.md says it at length."""

from ticketing_ops.audit.findings import Kind

BY_HAND = "No event can mend it: "

TWO_LIVE_ORDERS = Kind(
    "two-live-orders",
    1,
    BY_HAND + "settle with the buyers which of them keeps the ticket; refund the other, if paid.",
)
ORDER_WITHOUT_RESERVATION = Kind(
    "order-without-reservation",
    1,
    BY_HAND + "the ticket could be sold twice. Insert the reservation in orders' database: "
    "_id is the ticket's id, order_id the order's; or have the buyer cancel.",
)
RESERVATION_WITHOUT_ORDER = Kind(
    "reservation-without-order",
    1,
    BY_HAND + "nobody can order the ticket. Delete this one reservation, by its _id and order_id, "
    "in orders' database.",
)

EVENT_NOT_PUBLISHED = Kind(
    "event-not-published",
    2,
    "The service's relay publishes it as soon as the service runs and reaches NATS: "
    "look at its log for relay.failed.",
)
EVENTS_NOT_HANDLED = Kind(
    "events-not-handled",
    2,
    "Look whether the service runs, and into its log for event.waits, event.failed and "
    "event.unavailable: they say why.",
)
EVENT_LOST = Kind(
    "event-lost",
    2,
    "The broker was told that it was handled, and the service shows no trace of it. --repair tells "
    "it again. A database that was restored from a backup looks like this.",
)
NOT_LISTENING = Kind(
    "not-listening",
    2,
    "Start the service, or restart it: it makes its consumers when it connects.",
)
STREAM_MISSING = Kind(
    "stream-missing",
    2,
    "Start any service, or restart one: each makes all streams when it connects. What the stream "
    "held is lost; look again after that for what was not heard.",
)

COPY_MISSING = Kind(
    "copy-missing",
    3,
    "--repair tells its events again; those that the stream has forgotten are gone: docs/audit.md.",
)
COPY_BEHIND = Kind(
    "copy-behind",
    3,
    "--repair tells the events again that it lacks. Where they come to nothing, "
    "the service's log says why.",
)
COPY_DIFFERS = Kind(
    "copy-differs",
    3,
    "It was changed by hand or by a fault, or a database is an old backup's. Where --repair "
    "does not mend it, delete the copy and replay the events: see docs/audit.md.",
)
COPY_OUTLIVES = Kind(
    "copy-outlives",
    3,
    "--repair tells the events of its end again. If its source's database was restored from a "
    "backup, the source is what is wrong.",
)

CHARGE_WITHOUT_PAYMENT = Kind(
    "charge-without-payment",
    4,
    "Somebody paid for what we know nothing of. --repair refunds it at Stripe where the order is "
    "ours; else look at the charge there: another market may share the account.",
)
CHARGE_NOT_NOTED = Kind(
    "charge-not-noted",
    4,
    "Run `python -m payments reconcile` in payments' place (`ticketing payments reconcile`): "
    "it takes in what Stripe's webhooks did not tell.",
)
CHARGE_DIFFERS = Kind(
    "charge-differs",
    4,
    "Compare the charge at Stripe with the order, and refund or collect the difference there.",
)
PAYMENT_WITHOUT_CHARGE = Kind(
    "payment-without-charge",
    4,
    "Look at the PaymentIntent at Stripe. Is STRIPE_KEY that of the account that payments uses?",
)
REFUND_NOT_MADE = Kind(
    "refund-not-made",
    4,
    "payments asks Stripe again by itself; where it lasts, its log says why. "
    "`python -m payments reconcile` takes in a refund that came back.",
)
REFUND_NOT_NOTED = Kind(
    "refund-not-noted",
    4,
    "It was given back at Stripe's own pages, and payments has not heard: "
    "`python -m payments reconcile`.",
)
PAID_TWICE = Kind(
    "paid-twice",
    4,
    "--repair has payments give the last of them back.",
)
COMPLETE_WITHOUT_PAYMENT = Kind(
    "complete-without-payment",
    4,
    BY_HAND + "the buyer has the ticket and has not paid. If payments' database was restored from "
    "a backup, its charge is at Stripe, by the order's id.",
)
CANCELLED_BUT_PAID = Kind(
    "cancelled-but-paid",
    4,
    "--repair has payments give it back.",
)
PAYMENT_NOT_HEARD = Kind(
    "payment-not-heard",
    4,
    "It is paid, and orders does not know. --repair tells payments' events of it again.",
)
PAYMENT_WITHOUT_ORDER = Kind(
    "payment-without-order",
    4,
    BY_HAND + "orders has lost the order. Refund it: `python -m payments refund ORDER --reason`.",
)
PAYMENT_DIFFERS = Kind(
    "payment-differs",
    4,
    "The buyer was charged another price than the order's: refund or collect the difference.",
)
PAYMENT_PROBLEM = Kind(
    "payment-problem",
    4,
    "A refund needs you: docs/payments.md says what can be done.",
    is_note=True,
)
PAYMENT_DISPUTED = Kind(
    "payment-disputed",
    4,
    "Answer the dispute at Stripe: docs/payments.md.",
    is_note=True,
)
PARTLY_REFUNDED = Kind(
    "partly-refunded",
    4,
    "Somebody gave back a part at Stripe's own pages. The order stays the buyer's.",
    is_note=True,
)

ORDER_PAST_ITS_TIME = Kind(
    "order-past-its-time",
    5,
    "--repair tells in expiration's place that its time is over, and payments' events of it again.",
)
PAID_BUT_EXPIRED = Kind(
    "paid-but-expired",
    5,
    "The money is given back, and the ticket may be somebody else's. Tell the buyer, and us: "
    "an order ends by its time only where payments says that nothing was paid.",
    is_note=True,
)
PAYMENT_NEVER_ENDS = Kind(
    "payment-never-ends",
    5,
    "payments cancels it at Stripe as soon as it runs and Stripe answers: "
    "look into its log for payments.not_settled.",
)
TIMER_MISSING = Kind(
    "timer-missing",
    5,
    "Nobody would cancel the order in time. --repair tells its order.created again, "
    "which sets the timer.",
)
TICKET_HELD_FOR_NOBODY = Kind(
    "ticket-held-for-nobody",
    5,
    "Nobody can buy it. --repair tells the order's events again; order.cancelled frees it.",
)
TICKET_NOT_HELD = Kind(
    "ticket-not-held",
    5,
    "It is shown for sale, and orders refuses it. --repair tells the order's events again.",
)
TICKET_GONE_BUT_ORDERED = Kind(
    "ticket-gone-but-ordered",
    5,
    "--repair tells the ticket's events again; ticket.deleted cancels the order, and refunds it.",
)
TICKET_BLOCKED = Kind(
    "ticket-blocked",
    5,
    BY_HAND + "orders takes the ticket for deleted, and tickets has it. If tickets' database was "
    "restored from a backup, delete the ticket again; else delete the reservation by its _id.",
)

DEAD_LETTERS = Kind(
    "dead-letters",
    6,
    "They could not be handled: `ticketing dead-letters list` and `show` say why; "
    "mend the cause, then `retry` them.",
)
EVENTS_REMOVED = Kind(
    "events-removed",
    6,
    "Somebody has deleted messages of this stream: whoever had not heard them never will, "
    "and a replay lacks them.",
    is_note=True,
)

KINDS = tuple(kind for kind in list(globals().values()) if isinstance(kind, Kind))
"""Every kind there is."""
