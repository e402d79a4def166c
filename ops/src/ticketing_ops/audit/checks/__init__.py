"""All checks, in the order of the invariants."""

from ticketing_ops.audit.check_runner import Check
from ticketing_ops.audit.checks import charges, dead_letters, events, orders, payments
from ticketing_ops.audit.checks.copies import COPIES

CHECKS = (
    Check("reservations", orders.find_unreserved),
    Check("outboxes", events.find_unpublished),
    Check("consumers", events.find_unconsumed),
    Check("parked events", events.find_parked),
    Check("events", events.find_lost),
    *(Check(copy.name, copy.find) for copy in COPIES),
    Check("payments", payments.find),
    Check("charges", charges.find),
    Check("overdue orders", orders.find_overdue),
    Check("timers", orders.find_without_timer),
    Check("held tickets", orders.find_wrong_holds),
    Check("dead letters", dead_letters.find_dead_letters),
    Check("removed events", dead_letters.find_removed_events),
)
