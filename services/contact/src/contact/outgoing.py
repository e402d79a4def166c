"""The mails that this process has just committed: its sender sends them without reading them."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from contact.models import Mail
from ticketing_common.events import utc_now
from ticketing_common.persistence.transaction import current_transaction

LEASE = timedelta(seconds=60)
"""A mail whose process died before it recorded the result is sent by another one after this
time."""
MAX_MAILS = 1000
"""With four at a time, SendGrid accepts so many well within the lease."""


class OutgoingMails:
    """The committed mails of this process, which has the lease of each of them."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._mails: deque[Mail] = deque()

    @property
    def is_full(self) -> bool:
        return len(self._mails) >= MAX_MAILS

    def add(self, mail: Mail) -> None:
        """Add a mail. It is dropped if the queue is full: it is due when its lease ends."""
        if not self.is_full:
            self._mails.append(mail)
            self._wake()

    def take(self) -> Mail | None:
        """Return the oldest mail with enough time to send it, None if there is none.

        Another process may send the others as soon as their lease ends.
        """
        latest = utc_now() + LEASE / 2
        while self._mails:
            mail = self._mails.popleft()
            if mail.next_attempt_at > latest:
                return mail
        return None

    def clear(self) -> list[Mail]:
        """Remove and return all mails."""
        mails = list(self._mails)
        self._mails.clear()
        return mails


_current: OutgoingMails | None = None


@contextmanager
def outgoing_mails(wake: Callable[[], None]) -> Iterator[OutgoingMails]:
    """Provide the queue for the block, and call `wake` after each mail that is added."""
    global _current
    previous, _current = _current, OutgoingMails(wake)
    try:
        yield _current
    finally:
        _current = previous


async def insert_and_send(mail: Mail) -> None:
    """Insert a mail in the running transaction. It is sent right after the commit.

    If the queue of this process is full or closed, a process finds the mail by polling.
    """
    outgoing = _current
    if outgoing is None or outgoing.is_full:
        await mail.insert()
        return
    mail.next_attempt_at, mail.attempts = utc_now() + LEASE, 1
    await mail.insert()
    current_transaction().after_commit.append(lambda: outgoing.add(mail))
