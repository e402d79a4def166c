"""Proofs: documents that show that a handler has handled an event, instead of an inbox row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beanie import Document
from bson import ObjectId

from ticketing_common.events import DomainEvent


@dataclass(frozen=True)
class Proof:
    """The document that shows that a handler has handled an event. It has the aggregate's id.

    The handler must change nothing where the document shows it already: it inserts the document, so
    that a second time raises DuplicateKeyError, or it returns. docs/adr has the list of handlers.
    """

    document: type[Document]
    where: Mapping[str, Any] = field(default_factory=dict)
    """The condition under which it is a proof, in terms that JSON has too."""

    async def exists(self, event: DomainEvent) -> bool:
        """Return whether the event has been handled."""
        wanted = {"_id": ObjectId(event.aggregate_id), **self.where}
        return await self.document.get_pymongo_collection().find_one(wanted, ["_id"]) is not None
