"""When to look at payments again: as soon as somebody says so, else every few seconds."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ticketing_common.persistence.transaction import current_transaction

SWEEP_SECONDS = 5

_sleeping: set[asyncio.Event] = set()


def wake_after_commit() -> None:
    """Have whoever sleeps in this process look for what is due, once the transaction commits."""
    current_transaction().after_commit.append(_wake)


def _wake() -> None:
    for sleeper in _sleeping:
        sleeper.set()


class Sleep:
    def __init__(self, woken: asyncio.Event) -> None:
        self._woken = woken

    async def until_due(self) -> None:
        """Until somebody wakes us, or the time for a sweep has come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._woken.wait()
        self._woken.clear()


@contextmanager
def light_sleep() -> Iterator[Sleep]:
    """Sleep that `wake_after_commit` ends."""
    woken = asyncio.Event()
    _sleeping.add(woken)
    try:
        yield Sleep(woken)
    finally:
        _sleeping.discard(woken)
