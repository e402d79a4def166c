"""All that an audit looks at, in the order of what always holds."""

from ticketing_ops.audit import (
    charges,
    consumers,
    dead_letters,
    effects,
    holds,
    outboxes,
    paid,
    reservations,
    times,
)
from ticketing_ops.audit.copies import COPIES
from ticketing_ops.audit.looking import Check

CHECKS = (
    Check("reservations", reservations.find),
    Check("outboxes", outboxes.find),
    Check("consumers", consumers.find),
    Check("events", effects.find),
    *(Check(copy.name, copy.find) for copy in COPIES),
    Check("payments", paid.find),
    Check("charges", charges.find),
    Check("orders' times", times.find_late),
    Check("timers", times.find_without_timer),
    Check("held tickets", holds.find),
    Check("dead letters", dead_letters.find),
)
