"""The migration of search terms of earlier releases to folded ones."""

from typing import Any

import pymongo
import structlog
from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from tickets.models import Ticket, search_terms

OLD_INDEXES = {"search_terms_1", "order_id_1_search_terms_1__id_-1"}
"""The indexes of earlier releases. They are dropped when all terms are folded.

The present index differs from the last one in the direction of the terms alone.
"""
BATCH = 500
TIMEOUT_SECONDS = 600
INDEX_NOT_FOUND = 27

log = structlog.get_logger(__name__)


async def fold_search_terms() -> None:
    """Compute the search terms of an earlier release again, once.

    A repeated or interrupted run is safe. Most terms stay the same, so processes of the earlier
    release find most tickets during an upgrade.
    """
    collection = Ticket.get_pymongo_collection()
    with pymongo.timeout(TIMEOUT_SECONDS):
        old_indexes = OLD_INDEXES & (await collection.index_information()).keys()
        if not old_indexes:
            return
        after: dict[str, Any] = {}
        while rows := await collection.find(after, ["title"]).sort("_id").limit(BATCH).to_list():
            updates = [
                UpdateOne(row, {"$set": {"search_terms": search_terms(row["title"])}})
                for row in rows
                if isinstance(row.get("title"), str)
            ]
            if updates:
                await collection.bulk_write(updates, ordered=False)
            log.info("search_terms.migrated", count=len(updates))
            after = {"_id": {"$gt": rows[-1]["_id"]}}
        for index in old_indexes:
            try:
                await collection.drop_index(index)
            except OperationFailure as error:  # another process has dropped it
                if error.code != INDEX_NOT_FOUND:
                    raise
