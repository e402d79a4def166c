import asyncio
from contextvars import copy_context

import pytest
from common.tests.workshop import Thing

from ticketing_common.errors import Conflict
from ticketing_common.events import TicketCreated
from ticketing_common.persistence import database, outbox, transaction
from ticketing_common.persistence.transaction import current_transaction, transactional
from ticketing_testing import Served, an_id
from ticketing_testing.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.usefixtures("served")


@transactional
async def grow(thing_id: object) -> Thing:
    thing = await Thing.get(thing_id)
    assert thing is not None
    thing.price += 1
    return await thing.save()


async def a_thing() -> Thing:
    return await Thing(title="a", user_id=an_id()).insert()


async def test_leaves_nothing_behind_when_it_raises() -> None:
    @transactional
    async def fail() -> None:
        thing = await a_thing()
        await outbox.add(TicketCreated.of(thing))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await Thing.count() == 0
    assert await outbox.rows().count_documents({}) == 0


async def test_is_run_again_when_another_changed_the_same_document_so_no_change_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transaction, "CALL_SECONDS", PATIENCE_SECONDS)
    thing = await a_thing()

    await asyncio.gather(*(grow(thing.id) for _ in range(20)))

    stored = await Thing.get(thing.id)
    assert stored is not None
    assert (stored.price, stored.version) == (21, 20)


async def test_joins_the_transaction_that_calls_it() -> None:
    @transactional
    async def outer() -> None:
        await grow(thing.id)
        raise RuntimeError

    thing = await a_thing()

    with pytest.raises(RuntimeError):
        await outer()

    stored = await Thing.get(thing.id)
    assert stored is not None
    assert stored.version == 0


async def test_is_a_conflict_where_others_change_the_document_for_as_long_as_it_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Long enough to meet the others at all.
    monkeypatch.setattr(transaction, "CALL_SECONDS", 5)
    thing = await a_thing()
    things = database.database()["things"]

    @transactional
    async def come_too_late() -> None:
        read = await Thing.get(thing.id)
        assert read is not None
        await asyncio.create_task(
            things.update_one({"_id": thing.id}, {"$inc": {"price": 1}}), context=outside
        )
        await read.save()

    outside = copy_context()

    with pytest.raises(Conflict):
        await come_too_late()


async def test_announces_only_what_it_committed() -> None:
    announced: list[int] = []
    runs = 0

    @transactional
    async def twice(thing: Thing) -> None:
        nonlocal runs
        runs += 1
        current_transaction().after_commit.append(lambda run=runs: announced.append(run))  # type: ignore[misc]
        await Thing.get(thing.id)
        if runs == 1:
            await asyncio.create_task(elsewhere(thing), context=outside)
        await grow(thing.id)

    async def elsewhere(thing: Thing) -> None:
        await database.database()["things"].update_one({"_id": thing.id}, {"$inc": {"version": 1}})

    outside = copy_context()
    thing = await a_thing()
    # The first run reads, somebody else writes, the first run's write conflicts.
    await twice(thing)

    assert announced == [runs]
    assert runs > 1


async def test_may_not_be_missing_where_an_event_is_added() -> None:
    thing = await a_thing()

    with pytest.raises(RuntimeError, match="@transactional"):
        await outbox.add(TicketCreated.of(thing))


class TestAVersionedDocument:
    async def test_counts_its_saves(self) -> None:
        thing = await a_thing()

        await thing.save()
        await thing.save()

        assert thing.version == 2

    async def test_is_not_saved_over_a_version_that_was_not_read(self) -> None:
        thing = await a_thing()
        stale = await Thing.get(thing.id)
        assert stale is not None
        await thing.save()

        with pytest.raises(Conflict):
            await stale.save()

    async def test_keeps_what_a_newer_version_of_the_service_wrote_into_it(self) -> None:
        thing = await a_thing()
        things = database.database()["things"]
        await things.update_one({"_id": thing.id}, {"$set": {"colour": "red"}})

        thing.order_id = an_id()
        await thing.save()
        thing.order_id = None
        await thing.save()

        stored = await things.find_one({"_id": thing.id})
        assert stored is not None
        assert (stored["colour"], stored["order_id"], stored["version"]) == ("red", None, 2)

    async def test_is_not_revived_by_a_save_after_its_end(self) -> None:
        thing = await a_thing()
        other = await Thing.get(thing.id)
        assert other is not None
        await other.delete_version()

        with pytest.raises(Conflict):
            await thing.save()
        with pytest.raises(Conflict):
            await thing.delete_version()
        assert other.version == 1


async def test_the_service_is_ready_while_its_database_answers(served: Served) -> None:
    visitor = await served.visitor()

    assert (await visitor.get("/readyz")).json() == {"status": "ok"}
    assert (await visitor.get("/healthz")).json() == {"status": "ok"}
    assert "http_request_duration_seconds" in (await visitor.get("/metrics")).text
