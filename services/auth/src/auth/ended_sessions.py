"""Ended sessions: stored here, published for the other services."""

from datetime import timedelta
from typing import ClassVar

from beanie import Document, PydanticObjectId
from bson import ObjectId
from pymongo import IndexModel

from auth.models import User
from ticketing_common.events import UserSessionEnded, UtcTime, utc_now
from ticketing_common.persistence import outbox
from ticketing_common.sessions.tokens import SESSION_AGE, Session


class SessionCutoff(Document):
    """The time before which sessions are over. Its id is a session's, or a user's for all."""

    class Settings:
        name: ClassVar[str] = "session_cutoffs"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                "ended_at",
                expireAfterSeconds=int((SESSION_AGE + timedelta(days=1)).total_seconds()),
            )
        ]

    id: PydanticObjectId
    ended_at: UtcTime


class StoredEndedSessions:
    """The ended sessions in the store, where every replica of auth has them at once."""

    async def has_ended(self, session: Session) -> bool:
        """Return whether the session is over."""
        ids = [ObjectId(session.user.id), ObjectId(session.id)]
        found = SessionCutoff.get_pymongo_collection().find({"_id": {"$in": ids}})
        return any([session.began_at < row["ended_at"] async for row in found])


async def end_session(user: User, session: Session) -> None:
    """End one session of the user, as a step of the running transaction."""
    ended_at = max(utc_now(), session.began_at + timedelta(milliseconds=1))
    await user.next_version()
    await _store_and_publish(user, UserSessionEnded.of(user, sid=session.id, ended_at=ended_at))


async def end_all_sessions(user: User) -> None:
    """End all sessions of the user that have begun, as a step of the running transaction."""
    ended_at = user.advance_session_time()
    await user.save()
    await _store_and_publish(user, UserSessionEnded.of(user, sid=None, ended_at=ended_at))


async def _store_and_publish(user: User, event: UserSessionEnded) -> None:
    await SessionCutoff.get_pymongo_collection().update_one(
        {"_id": ObjectId(event.sid or user.user_id)},
        {"$max": {"ended_at": event.ended_at}},
        upsert=True,
    )
    await outbox.add(event)
