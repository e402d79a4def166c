import asyncio
from collections.abc import Mapping

import pytest
from bson import ObjectId

from ticketing_common.errors import NotFound
from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated, VersionedEvent
from ticketing_common.messaging import feed as feed_module
from ticketing_common.messaging.feed import Feed
from ticketing_common.web.conditional import JsonBody
from ticketing_testing import new_event, new_id
from tickets import cache as cache_module
from tickets.cache import PageBounds, Shelf, Snapshot, TicketCache
from tickets.schemas import Sort


def snapshot(
    versions: Mapping[str, int], bounds: PageBounds | None = None, text: str = "x"
) -> Snapshot:
    return Snapshot(JsonBody.of(text), versions, bounds)


WHOLE_LIST = PageBounds(Sort.NEWEST, last=None)


class Reads:
    """A store whose reads wait until they are released."""

    def __init__(self) -> None:
        self.results: list[asyncio.Future[Snapshot]] = []
        self._begun = asyncio.Semaphore(0)

    async def __call__(self) -> Snapshot:
        self.results.append(asyncio.get_running_loop().create_future())
        self._begun.release()
        return await self.results[-1]

    async def next(self) -> asyncio.Future[Snapshot]:
        """Wait until a read begins. Returns the future result of it."""
        async with asyncio.timeout(5):
            await self._begun.acquire()
        return self.results[-1]


class Cache(TicketCache):
    """A cache that follows a live feed."""

    def __init__(self) -> None:
        self.feed = Feed(TicketCreated, TicketUpdated, TicketDeleted)
        super().__init__(self.feed)
        self.feed.on_event(self.on_event)
        self.feed.restart(0)
        self.feed.has_all()

    def publish(self, event: VersionedEvent) -> None:
        self.feed.append((self.feed.position or 0) + 1, event)

    async def ticket(self, key: str, version: int) -> int:
        """Read a ticket that has this version in the store. Returns the version of the response."""

        async def load() -> Snapshot:
            return snapshot({key: version})

        return (await self.get(self.tickets, key, load)).versions[key]

    async def page(self, versions: Mapping[str, int], bounds: PageBounds = WHOLE_LIST) -> Snapshot:
        async def load() -> Snapshot:
            return snapshot(versions, bounds)

        return await self.get(self.pages, "", load)


async def test_cache_reads_a_key_once_for_all_that_wait() -> None:
    cache, reads, key = Cache(), Reads(), new_id()

    waiting = [asyncio.create_task(cache.get(cache.tickets, key, reads)) for _ in range(50)]
    await reads.next()
    waiting[0].cancel()  # its client is gone, the others still wait
    await asyncio.sleep(0)
    reads.results[0].set_result(snapshot({key: 0}))

    assert {(await each).versions[key] for each in waiting[1:]} == {0}
    assert len(reads.results) == 1
    assert await cache.ticket(key, 7) == 0


async def test_cache_gives_a_failure_to_all_that_wait_and_keeps_nothing() -> None:
    cache, reads, key = Cache(), Reads(), new_id()
    waiting = [asyncio.create_task(cache.get(cache.tickets, key, reads)) for _ in range(3)]
    await reads.next()

    reads.results[0].set_exception(OSError())

    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, OSError) for each in results)
    assert await cache.ticket(key, 3) == 3


@pytest.mark.parametrize("change", ["event", "lost events"])
@pytest.mark.parametrize("shelf", ["tickets", "pages"])
async def test_cache_does_not_keep_a_read_that_began_before_a_change(
    change: str, shelf: str
) -> None:
    cache, reads, key = Cache(), Reads(), new_id()
    where = cache.tickets if shelf == "tickets" else cache.pages
    early = asyncio.create_task(cache.get(where, key, reads))
    await reads.next()

    if change == "event":
        cache.publish(new_event(TicketUpdated, id=key, version=1))
    else:
        cache.feed.restart(5)
        cache.feed.has_all()
    # A later request does not wait for the read that began before.
    late = asyncio.create_task(cache.get(where, key, reads))
    await reads.next()
    reads.results[1].set_result(snapshot({key: 1}, WHOLE_LIST))
    assert (await late).versions[key] == 1
    reads.results[0].set_result(snapshot({key: 0}, WHOLE_LIST))

    assert (await early).versions[key] == 0
    assert (await cache.get(where, key, reads)).versions[key] == 1
    assert len(reads.results) == 2


@pytest.mark.parametrize("shelf", ["tickets", "pages"])
async def test_cache_repeats_a_read_that_is_older_than_what_another_one_returned(
    shelf: str,
) -> None:
    cache, reads, key = Cache(), Reads(), new_id()
    where = cache.tickets if shelf == "tickets" else cache.pages
    slow = asyncio.create_task(cache.get(where, key, reads))
    await reads.next()

    cache.saw({key: 2})
    reads.results[0].set_result(snapshot({key: 1}))
    await reads.next()
    reads.results[1].set_result(snapshot({key: 2}))

    assert (await slow).versions[key] == 2


async def test_cache_drops_what_is_older_than_what_a_read_returned() -> None:
    cache, key = Cache(), new_id()
    assert await cache.ticket(key, 0) == 0
    await cache.page({key: 1})

    assert await cache.ticket(key, 2) == 2
    assert (await cache.page({key: 2})).versions[key] == 2


@pytest.mark.parametrize(
    ("event_version", "read_version"), [(0, 1), (1, 1), (2, 2)], ids=["old", "same", "new"]
)
async def test_cache_compares_versions_of_events(event_version: int, read_version: int) -> None:
    cache, key = Cache(), new_id()
    await cache.ticket(key, 1)
    await cache.page({key: 1})

    cache.publish(new_event(TicketUpdated, id=key, version=event_version))

    assert await cache.ticket(key, 2) == read_version
    assert (await cache.page({key: 2})).versions[key] == read_version


async def test_cache_forgets_a_ticket_that_a_read_did_not_find() -> None:
    cache, key = Cache(), new_id()
    await cache.ticket(key, 1)
    await cache.page({key: 1})

    async def load() -> Snapshot:
        raise NotFound

    with pytest.raises(NotFound):
        await cache.get(cache.tickets, key, load, fresh=True)
    with pytest.raises(NotFound):
        await cache.get(cache.tickets, key, load)
    assert (await cache.page({})).versions == {}


LOW, MIDDLE, HIGH = sorted(ObjectId() for _ in range(3))


@pytest.mark.parametrize(
    ("sort", "price", "ticket_id", "dropped"),
    [
        (Sort.NEWEST, 1, HIGH, True),
        (Sort.NEWEST, 1, LOW, False),
        (Sort.PRICE_ASCENDING, 9, HIGH, True),
        (Sort.PRICE_ASCENDING, 10, LOW, True),
        (Sort.PRICE_ASCENDING, 10, HIGH, False),
        (Sort.PRICE_DESCENDING, 11, LOW, True),
        (Sort.PRICE_DESCENDING, 10, HIGH, True),
        (Sort.PRICE_DESCENDING, 10, LOW, False),
    ],
)
async def test_page_is_dropped_if_a_new_ticket_belongs_on_it(
    sort: Sort, price: int, ticket_id: ObjectId, *, dropped: bool
) -> None:
    cache = Cache()
    bounds = PageBounds(sort, last=(10_00, MIDDLE))
    before = await cache.page({str(MIDDLE): 0}, bounds)
    held = {"id": str(ticket_id), "price": price, "version": 3, "order_id": new_id()}

    cache.publish(new_event(TicketUpdated, **held))
    cache.publish(new_event(TicketDeleted, id=str(ticket_id), version=4))
    assert await cache.page({}) is before

    cache.publish(new_event(TicketUpdated, **{**held, "order_id": None}))
    assert (await cache.page({}, bounds) is not before) == dropped


async def test_cache_is_bypassed_while_the_feed_is_not_current(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, key = Cache(), new_id()
    await cache.ticket(key, 0)

    cache.feed.interrupt()
    assert await cache.ticket(key, 1) == 1
    cache.feed.has_all()
    assert await cache.ticket(key, 2) == 2  # not the older one from before
    assert await cache.ticket(key, 3) == 2

    monkeypatch.setattr(feed_module, "CURRENT_SECONDS", 0)
    assert await cache.ticket(key, 3) == 3


async def test_cached_ticket_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MAX_AGE_SECONDS", -1)
    cache, key = Cache(), new_id()

    assert [await cache.ticket(key, version) for version in (0, 1)] == [0, 1]


def test_shelf_keeps_the_most_recently_used_within_its_bounds() -> None:
    shelf = Shelf(max_entries=3, max_bytes=100)
    for key in "abc":
        shelf.put(key, snapshot({}, text="x" * 10), expires_at=1e12)
    assert shelf.get("a")
    shelf.put("d", snapshot({}, text="x" * 10), expires_at=1e12)
    assert [key for key in "abcd" if shelf.get(key)] == ["a", "c", "d"]

    shelf.put("e", snapshot({}, text="x" * 85), expires_at=1e12)
    assert [key for key in "acde" if shelf.get(key)] == ["d", "e"]
    shelf.put("f", snapshot({}, text="x" * 101), expires_at=1e12)
    assert not any(shelf.get(key) for key in "abcdef")
