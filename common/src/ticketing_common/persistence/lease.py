"""Leases: a process claims a document for a limited time, so that no other works on it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from ticketing_common.events import utc_now


async def claim_due(
    collection: AsyncCollection[dict[str, Any]],
    due_field: str,
    lease: timedelta,
    *,
    where: Mapping[str, Any] | None = None,
    count: str | None = None,
) -> dict[str, Any] | None:
    """Claim the document that has been due for longest.

    A document is due when the time in `due_field` has passed. Claiming it moves that time to the
    end of the lease: if the process dies, another one claims it then. `where` restricts the
    documents; an index must have its fields before `due_field`. `count` names a field that counts
    the claims.

    Returns the document as it is after the claim, None if nothing is due.
    """
    # Two commands instead of a sorted find_one_and_update: where nothing is due, which is most of
    # the time, the find is the only one and locks nothing. The embedded MongoDB also reads the
    # whole collection for a find_one_and_update that finds a document, even one by its id.
    restriction = dict(where or {})
    while True:
        now = utc_now()
        due = {**restriction, due_field: {"$lte": now}}
        found = await collection.find_one(due, sort=[(due_field, 1)])
        if found is None:
            return None
        changes: dict[str, Any] = {due_field: now + lease}
        if count is not None:
            counted = found.get(count)  # not `$inc`: an invalid value would refuse every claim
            changes[count] = counted + 1 if isinstance(counted, int) else 1
        unclaimed = {**restriction, "_id": found["_id"], due_field: found[due_field]}
        result = await collection.update_one(unclaimed, {"$set": changes})
        if result.matched_count:
            return {**found, **changes}
        # Another process was faster: claim the next one.
