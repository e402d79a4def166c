"""Leases: a process claims a document for a limited time, so that no other works on it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument
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
    documents; `count` names a field that counts the claims.

    Returns the document as it is after the claim, None if nothing is due.
    """
    now = utc_now()
    update: dict[str, Any] = {"$set": {due_field: now + lease}}
    if count is not None:
        update["$inc"] = {count: 1}
    claimed: dict[str, Any] | None = await collection.find_one_and_update(
        {**(where or {}), due_field: {"$lte": now}},
        update,
        sort=[(due_field, 1)],
        return_document=ReturnDocument.AFTER,
    )
    return claimed
