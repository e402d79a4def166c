"""Documents with optimistic concurrency control."""

from typing import Any, Self

from beanie import Document, PydanticObjectId
from beanie.odm.utils.dump import get_dict
from pydantic import Field

from ticketing_common.errors import Conflict, NotFound, NotOwner
from ticketing_common.events import Id


class VersionedDocument(Document):
    """A document whose version counts its saved changes.

    beanie's own revision is a random id, and its `save` inserts missing documents. This one counts,
    so that domain events can carry the version, and overwrites only the version that was read.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    version: int = 0

    async def save(self, *_: Any, **__: Any) -> Self:
        """Write the document as its next version.

        Raises: Conflict if it was changed or deleted since it was read.
        """
        stored = get_dict(self, to_db=True) | {"version": self.version + 1}
        # $set instead of a replacement keeps fields that a newer release of the service added.
        result = await self.get_pymongo_collection().update_one(
            {"_id": self.id, "version": self.version}, {"$set": stored}
        )
        if result.matched_count == 0:
            raise Conflict
        self.version += 1
        return self

    async def next_version(self) -> Self:
        """Count one version up, for a domain event that changes no field of the document.

        Raises: Conflict if it was changed or deleted since it was read.
        """
        return await self.save()

    async def delete_version(self) -> Self:
        """Delete the document. The deletion is its next version.

        Raises: Conflict if it was changed or deleted since it was read.
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
    async def owned_by(cls, user_id: str, document_id: str) -> Self:
        """Load a document of this user.

        Raises: NotFound, or NotOwner if it belongs to somebody else.
        """
        document = await cls.get(PydanticObjectId(document_id))
        if document is None:
            raise NotFound
        if document.user_id != user_id:
            raise NotOwner
        return document
