"""The order in which one process may publish the rows of an aggregate without reading them."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta

from ticketing_common.events import utc_now
from ticketing_common.persistence.outbox import Row

MAX_VERSIONS = 10_000
"""Aggregates whose last published version is kept in memory."""
MAX_AGE = timedelta(seconds=10)
"""Older rows are read again: another process may have published them."""


class PublishedVersions:
    """The last version that this process published of each aggregate, in bounded memory."""

    def __init__(self) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()

    def record(self, aggregate_id: str, version: int) -> None:
        """Record that all rows up to a version are published."""
        self._versions[aggregate_id] = version
        self._versions.move_to_end(aggregate_id)
        if len(self._versions) > MAX_VERSIONS:
            self._versions.popitem(last=False)

    def forget(self, aggregate_id: str) -> None:
        """Forget an aggregate with a row that is not published."""
        self._versions.pop(aggregate_id, None)

    def next_rows(self, aggregate_id: str, committed: Sequence[Row]) -> list[Row] | None:
        """Return the committed rows that come next, None if others may come before them.

        Another process may have committed an earlier version, or an event without a version, and
        not published it.
        """
        oldest = utc_now() - MAX_AGE
        if not committed or not all(row.is_chained and row.time > oldest for row in committed):
            return None
        published = self._versions.get(aggregate_id, -1)
        rows = sorted(
            (row for row in committed if row.version > published),
            key=lambda row: (row.version, row.id),
        )
        versions = [published, *(row.version for row in rows)]
        is_complete = all(after - before <= 1 for before, after in itertools.pairwise(versions))
        return rows if is_complete else None
