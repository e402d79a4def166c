"""One invalid row never takes others away: it is left out, logged and counted.

A row is invalid if it has a value that no release has written, for example by hand.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import structlog

from ticketing_common.observability import metrics

log = structlog.get_logger(__name__)

INVALID = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""The errors that invalid values cause; pydantic's are ValueErrors."""
LOG_SECONDS = 60
"""How often one row is logged at most."""
MAX_LOGGED = 1000

_logged: OrderedDict[tuple[str, str], float] = OrderedDict()
"""When a row was logged, by its kind and its id."""


@contextmanager
def omit_invalid(kind: str, row_id: object) -> Iterator[None]:
    """Omit a row if the block cannot read it."""
    try:
        yield
    except INVALID as error:
        report_invalid(kind, row_id, error)


def report_invalid(kind: str, row_id: object, error: Exception) -> None:
    """Count a row that is left out, and log it at most once a minute."""
    metrics.ROWS_OMITTED.labels(kind).inc()
    if _is_due(kind, str(row_id)):
        log.error("row.left_out", kind=kind, id=str(row_id), error=repr(error))


def _is_due(kind: str, row_id: str) -> bool:
    """Return whether to log the row now, and remember it."""
    now = monotonic()
    if now - _logged.get((kind, row_id), -LOG_SECONDS) < LOG_SECONDS:
        return False
    _logged[kind, row_id] = now
    _logged.move_to_end((kind, row_id))
    if len(_logged) > MAX_LOGGED:
        _logged.popitem(last=False)
    return True
