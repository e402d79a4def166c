"""Session cutoffs: the times before which a user's sessions are over."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from beanie import Document, PydanticObjectId
from bson import ObjectId
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from ticketing_common.events import UserChangedPassword, UtcTime, utc_now
from ticketing_common.persistence import database
from ticketing_common.persistence.transaction import notify_after_commit

SESSION_AGE = timedelta(days=7)
HISTORY = SESSION_AGE + timedelta(hours=1)
"""Earlier cutoffs end no session that has not expired. The hour is for differences of clocks."""
MAX_IN_MEMORY = 50_000
"""About 10 MiB."""
LEASE_SECONDS = 2.5
"""How long the cutoffs in memory are current after the bus has confirmed it."""

_COMMITTED = "session-cutoffs"


class SessionCutoff(Document):
    """The time before which a user's sessions are over. Its id is the user's."""

    class Settings:
        name: ClassVar[str] = "session_cutoffs"
        indexes: ClassVar[list[IndexModel]] = [IndexModel("changed_at")]

    id: PydanticObjectId
    changed_at: UtcTime


async def end_sessions(user_id: str, changed_at: datetime) -> None:
    """Refuse all sessions of the user that began before `changed_at`."""
    await _stored().update_one(
        {"_id": ObjectId(user_id)}, {"$max": {"changed_at": changed_at}}, upsert=True
    )


async def end_earlier_sessions(event: UserChangedPassword) -> None:
    """Refuse the sessions from before a password change. A handler of every service."""
    await end_sessions(event.id, event.changed_at)
    notify_after_commit(_COMMITTED, event.model_dump_json())


class SessionCutoffs:
    """The cutoffs, in memory while the bus confirms that they are current, else in the store.

    A follower of `UserChangedPassword`: every process reads all of these events itself. While
    nothing confirms that it has read them all, and for sessions from before the cutoffs that fit
    into memory, the store decides. So a process without a bus only becomes slower.
    """

    event = UserChangedPassword
    history = HISTORY

    def __init__(self, max_in_memory: int = MAX_IN_MEMORY) -> None:
        self._max_in_memory = max_in_memory
        self._cutoffs: dict[str, datetime] = {}
        """By id, a user's now. Ids are unique across kinds, so a session's would fit as well."""
        self._complete_since = datetime.max.replace(tzinfo=UTC)
        """All cutoffs after this time are in memory."""
        self._current_until = 0.0

    @property
    def is_current(self) -> bool:
        """Whether the cutoffs in memory are known to be all that there are."""
        return time.monotonic() < self._current_until

    async def has_ended(self, user_id: str, began: datetime) -> bool:
        """Return whether a session of the user that began at this time is over."""
        cutoff = self._cutoffs.get(user_id)
        if cutoff is not None and began < cutoff:
            return True
        if self.is_current and began >= self._complete_since:
            return False
        stored = await _stored().find_one({"_id": ObjectId(user_id)})
        return stored is not None and began < stored["changed_at"]

    async def load(self) -> None:
        """Read the cutoffs from the store. They are not current until `confirm`."""
        self._current_until = 0.0
        since = utc_now() - HISTORY
        newest_first = _stored().find({"changed_at": {"$gte": since}}).sort("changed_at", -1)
        rows = await newest_first.limit(self._max_in_memory + 1).to_list()
        self._complete_since = since
        for row in reversed(rows):
            self._add(str(row["_id"]), row["changed_at"])

    def apply(self, event: UserChangedPassword) -> None:
        """Add the cutoff of a password change. The events may come in any order."""
        self._add(event.id, event.changed_at)

    def confirm(self, as_of: float) -> None:
        """Note that all events up to this time of the monotonic clock were applied."""
        self._current_until = as_of + LEASE_SECONDS

    def follow_commits(self) -> Callable[[], None]:
        """Apply the events that this process handles, at once. Returns a function that stops it."""
        return database.on_commit(
            _COMMITTED, lambda event: self.apply(UserChangedPassword.model_validate_json(event))
        )

    def _add(self, user_id: str, changed_at: datetime) -> None:
        # Inserted at the end, so that the first one is about the oldest.
        self._cutoffs[user_id] = max(changed_at, self._cutoffs.pop(user_id, changed_at))
        while len(self._cutoffs) > self._max_in_memory:
            dropped = self._cutoffs.pop(next(iter(self._cutoffs)))
            self._complete_since = max(self._complete_since, dropped)


def _stored() -> AsyncCollection[dict[str, Any]]:
    return SessionCutoff.get_pymongo_collection()
