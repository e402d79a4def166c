"""Requests to pay that wait for their order: its OrderCreated is still on its way."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from beanie import PydanticObjectId
from pymongo.errors import PyMongoError

from payments.domain.documents import Order
from ticketing_common.background import background
from ticketing_common.errors import NotFound, Unavailable
from ticketing_common.messaging.listeners import inserted
from ticketing_common.persistence.database import on_commit

log = structlog.get_logger(__name__)

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.2
"""How often a process polls for the orders that its requests wait for: another one may have handled
their event."""
MAX_WAITS = 200
MAX_WAITS_PER_USER = 3

Wait = asyncio.Future[None]


class OrderArrivals:
    """The waits of this process."""

    def __init__(self, max_waits: int = MAX_WAITS) -> None:
        self._max_waits = max_waits
        self._waits: defaultdict[str, set[Wait]] = defaultdict(set)
        """By order."""
        self._by_user: Counter[str] = Counter()
        self._has_waits = asyncio.Event()
        self._is_closed = False

    async def wait_for(
        self, order_id: str, user_id: str, disconnected: Callable[[], Awaitable[None]]
    ) -> None:
        """Wait until the order is known here, or until `disconnected` returns.

        Raises: NotFound after `WAIT_SECONDS` or a disconnect, and at once above the limits;
        Unavailable at shutdown.
        """
        with self._wait(order_id, user_id) as wait:
            async with background(_end_at_disconnect(wait, disconnected)):
                try:
                    async with asyncio.timeout(WAIT_SECONDS):
                        await wait
                except TimeoutError:
                    raise NotFound from None

    @contextmanager
    def _wait(self, order_id: str, user_id: str) -> Iterator[Wait]:
        if self._by_user.total() >= self._max_waits or self._by_user[user_id] >= MAX_WAITS_PER_USER:
            raise NotFound
        if self._is_closed:
            raise Unavailable
        wait: Wait = asyncio.get_running_loop().create_future()
        self._waits[order_id].add(wait)
        self._by_user[user_id] += 1
        self._has_waits.set()
        try:
            yield wait
        finally:
            self._waits[order_id].discard(wait)
            if not self._waits[order_id]:
                del self._waits[order_id]
            self._by_user[user_id] -= 1
            if not self._by_user[user_id]:
                del self._by_user[user_id]

    def close(self) -> None:
        """End all waits, and allow no new ones: the process is stopping."""
        self._is_closed = True
        for waits in self._waits.values():
            for wait in waits:
                _end(wait, Unavailable())

    async def run(self) -> None:
        """End the waits for orders that arrive, until cancelled."""
        unsubscribe = on_commit(inserted(Order), self._end_waits_for)
        try:
            while True:
                await self._has_waits.wait()
                await asyncio.sleep(POLL_SECONDS)
                try:
                    await self._poll()
                except PyMongoError as error:
                    log.warning("order_arrivals.failed", error=repr(error))
        finally:
            unsubscribe()

    async def _poll(self) -> None:
        if not self._waits:
            self._has_waits.clear()
            return
        ids = [PydanticObjectId(order_id) for order_id in self._waits]
        known = Order.get_pymongo_collection().find({"_id": {"$in": ids}}, {"_id": 1})
        async for row in known:
            self._end_waits_for(str(row["_id"]))

    def _end_waits_for(self, order_id: str) -> None:
        for wait in self._waits.get(order_id, ()):
            _end(wait)


async def _end_at_disconnect(wait: Wait, disconnected: Callable[[], Awaitable[None]]) -> None:
    await disconnected()
    _end(wait, NotFound())


def _end(wait: Wait, error: Exception | None = None) -> None:
    if wait.done():
        return
    if error is None:
        wait.set_result(None)
    else:
        wait.set_exception(error)
