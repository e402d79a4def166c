"""Documents that count their versions."""

from typing import Any, Self

from beanie import Document, PydanticObjectId
from beanie.odm.utils.dump import get_dict
from pydantic import Field

from ticketing_common.errors import Conflict, NotAuthorized, NotFound
from ticketing_common.events import Id
from ticketing_common.web.sessions import SessionUser


class VersionedDocument(Document):
    """A document whose every saved change is one version, so that no change is lost to another.

    beanie's own revision is a random id and its `save` inserts what is not there. Ours counts, for
    the events to carry, and writes only over the version that was read.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    version: int = 0

    async def save(self, *_: Any, **__: Any) -> Self:
        """Write the document as its next version.

        Raises Conflict where somebody else changed or deleted it since it was read.
        """
        stored = get_dict(self, to_db=True) | {"version": self.version + 1}
        # Set, not replaced: during a rolling update a newer version keeps fields unknown to us.
        result = await self.get_pymongo_collection().update_one(
            {"_id": self.id, "version": self.version}, {"$set": stored}
        )
        if result.matched_count == 0:
            raise Conflict
        self.version += 1
        return self

    async def discard(self) -> Self:
        """Delete the document; its going is its next version.

        Raises Conflict where somebody else changed or deleted it since it was read.
        """
        result = await self.get_pymongo_collection().delete_one(
            {"_id": self.id, "version": self.version}
        )
        if result.deleted_count == 0:
            raise Conflict
        self.version += 1
        return self


class OwnedDocument(VersionedDocument):
    """A document that belongs to one user."""

    user_id: Id

    @classmethod
    async def owned_by(cls, user: SessionUser, document_id: str) -> Self:
        """The document. Raises NotFound, and NotAuthorized for somebody else's."""
        document = await cls.get(PydanticObjectId(document_id))
        if document is None:
            raise NotFound
        if document.user_id != user.id:
            raise NotAuthorized
        return document
