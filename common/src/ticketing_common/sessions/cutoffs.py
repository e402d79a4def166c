"""Session cutoffs: the times before which sessions are over, in the memory of every process."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from ticketing_common.errors import Unavailable
from ticketing_common.events import UserSessionEnded, utc_now
from ticketing_common.observability import metrics
from ticketing_common.sessions.tokens import LEEWAY, TOKEN_AGE, Session

HISTORY = TOKEN_AGE + timedelta(hours=1)
"""Earlier cutoffs end no token that has not expired. The hour is for differences of clocks."""
MAX_IN_MEMORY = 100_000
"""About 20 MiB."""


class EndedSessions(Protocol):
    """Knows which sessions have ended."""

    async def has_ended(self, session: Session) -> bool:
        """Return whether the session is over. Raises: Unavailable if that is not known yet."""


class SessionCutoffs:
    """The cutoffs in memory, as far as the bus has brought them.

    A follower of `UserSessionEnded`. The id of a cutoff is a session's, or a user's for all of the
    sessions that began before. auth renews no ended session, so cutoffs of the last day suffice.
    """

    event = UserSessionEnded
    history = HISTORY

    def __init__(self, max_in_memory: int = MAX_IN_MEMORY) -> None:
        self._max_in_memory = max_in_memory
        self._cutoffs: dict[str, datetime] = {}
        """By the id of a session or a user. Ids are unique across kinds."""
        self._complete_since = datetime.min.replace(tzinfo=UTC)
        """The cutoffs that end tokens from after this time fit into memory."""
        self.is_loaded = False
        """True once the cutoffs of the bus were read."""

    async def has_ended(self, session: Session) -> bool:
        """Return whether the session is over. Raises: Unavailable before the cutoffs are loaded.

        If there are more cutoffs than fit into memory, tokens from before the oldest one count as
        ended until auth has renewed them.
        """
        if not self.is_loaded:
            raise Unavailable
        cutoffs = (self._cutoffs.get(each) for each in (session.user.id, session.id))
        return session.issued_at < self._complete_since or any(
            cutoff is not None and session.began_at < cutoff for cutoff in cutoffs
        )

    def apply(self, event: UserSessionEnded) -> None:
        """Add a cutoff. The events may come in any order, and more than once."""
        key = event.sid or event.id
        # Inserted at the end, so that the first one is about the oldest.
        self._cutoffs[key] = max(event.ended_at, self._cutoffs.pop(key, event.ended_at))
        while len(self._cutoffs) > self._max_in_memory:
            metrics.SESSION_CUTOFFS_DROPPED.inc()
            dropped = self._cutoffs.pop(next(iter(self._cutoffs)))
            # A renewal beside the end of the session can be a moment younger.
            self._complete_since = max(self._complete_since, dropped + LEEWAY)

    def has_all(self) -> None:
        """Note that all events of the history were applied, and forget those before it."""
        self.is_loaded = True
        start = utc_now() - HISTORY
        while self._cutoffs and next(iter(self._cutoffs.values())) < start:
            del self._cutoffs[next(iter(self._cutoffs))]
