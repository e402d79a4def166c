"""The migration of search terms from words to the beginnings of words."""

from typing import Any

import pymongo
import structlog
from pymongo import UpdateOne

from tickets.models import Ticket, search_terms

OLD_INDEX = "search_terms_1"
"""The index of an earlier release. It is dropped when all its terms are migrated."""
BATCH = 500
TIMEOUT_SECONDS = 600

log = structlog.get_logger(__name__)


async def store_beginnings_of_words() -> None:
    """Convert the search terms of an earlier release, once. A repeated or ended run is safe."""
    collection = Ticket.get_pymongo_collection()
    with pymongo.timeout(TIMEOUT_SECONDS):
        if OLD_INDEX not in await collection.index_information():
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
        await collection.drop_index(OLD_INDEX)
