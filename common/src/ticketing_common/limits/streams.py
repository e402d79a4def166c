"""Limits of open event streams, by address and by account."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from fastapi import Request

from ticketing_common.errors import RateLimited
from ticketing_common.settings import LimitSettings

RETRY_AFTER_SECONDS = 10


class TooManyStreams(RateLimited):
    """The account or the address has too many open streams. Close one of them."""

    code = "too_many_streams"
    message = "Too many pages with live updates are open."


class OpenStreams:
    """The open streams of this process by address and by account.

    Each process counts its own, because each can serve a number of its own.
    """

    def __init__(self, settings: LimitSettings) -> None:
        self._by_address = settings.limit_streams_by_address * settings.limits_by_address_factor
        self._by_account = settings.limit_streams_by_account
        self._open: Counter[str] = Counter()

    def of_address(self, address: str) -> AbstractContextManager[None]:
        """Hold one of the address' streams. Raises: TooManyStreams."""
        return self._hold(address, self._by_address)

    def of_account(self, user_id: str) -> AbstractContextManager[None]:
        """Hold one of the account's streams. Raises: TooManyStreams."""
        return self._hold(user_id, self._by_account)

    @contextmanager
    def _hold(self, key: str, limit: int) -> Iterator[None]:
        if self._open[key] >= limit:
            raise TooManyStreams(retry_after=RETRY_AFTER_SECONDS)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def open_streams(request: Request) -> OpenStreams:
    """Return the open streams of the process."""
    streams: OpenStreams = request.app.state.open_streams
    return streams
