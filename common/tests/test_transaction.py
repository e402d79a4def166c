import asyncio
from contextvars import copy_context

import pytest
from common.tests.sample_service import Item

from ticketing_common.errors import Conflict
from ticketing_common.events import TicketCreated
from ticketing_common.persistence import database, outbox, transaction
from ticketing_common.persistence.transaction import current_transaction, transactional
from ticketing_testing import RunningService, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

pytestmark = pytest.mark.usefixtures("served")


@transactional
async def grow(item_id: object) -> Item:
    item = await Item.get(item_id)
    assert item is not None
    item.price += 1
    return await item.save()


async def insert_item() -> Item:
    return await Item(title="a", user_id=new_id()).insert()


async def test_transaction_rolls_back_on_exception() -> None:
    @transactional
    async def fail() -> None:
        item = await insert_item()
        await outbox.add(TicketCreated.of(item))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await Item.count() == 0
    assert await outbox.rows().count_documents({}) == 0


async def test_transaction_reruns_on_write_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    item = await insert_item()

    await asyncio.gather(*(grow(item.id) for _ in range(20)))

    stored = await Item.get(item.id)
    assert stored is not None
    assert (stored.price, stored.version) == (21, 20)


async def test_transaction_joins_the_outer_one() -> None:
    @transactional
    async def outer() -> None:
        await grow(item.id)
        raise RuntimeError

    item = await insert_item()

    with pytest.raises(RuntimeError):
        await outer()

    stored = await Item.get(item.id)
    assert stored is not None
    assert stored.version == 0


async def test_transaction_raises_conflict_after_its_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Long enough to meet the others at all.
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", 5)
    item = await insert_item()
    items = database.database()["items"]

    @transactional
    async def come_too_late() -> None:
        read = await Item.get(item.id)
        assert read is not None
        await asyncio.create_task(
            items.update_one({"_id": item.id}, {"$inc": {"price": 1}}), context=outside
        )
        await read.save()

    outside = copy_context()

    with pytest.raises(Conflict):
        await come_too_late()


async def test_after_commit_runs_for_the_committed_attempt_only() -> None:
    announced: list[int] = []
    runs = 0

    @transactional
    async def twice(item: Item) -> None:
        nonlocal runs
        runs += 1
        current_transaction().after_commit.append(lambda run=runs: announced.append(run))  # type: ignore[misc]
        await Item.get(item.id)
        if runs == 1:
            await asyncio.create_task(elsewhere(item), context=outside)
        await grow(item.id)

    async def elsewhere(item: Item) -> None:
        await database.database()["items"].update_one({"_id": item.id}, {"$inc": {"version": 1}})

    outside = copy_context()
    item = await insert_item()
    # The first run reads, somebody else writes, the first run's write conflicts.
    await twice(item)

    assert announced == [runs]
    assert runs > 1


async def test_outbox_add_requires_a_transaction() -> None:
    item = await insert_item()

    with pytest.raises(RuntimeError, match="@transactional"):
        await outbox.add(TicketCreated.of(item))


class TestAVersionedDocument:
    async def test_save_counts_the_version(self) -> None:
        item = await insert_item()

        await item.save()
        await item.save()

        assert item.version == 2

    async def test_save_refuses_a_stale_document(self) -> None:
        item = await insert_item()
        stale = await Item.get(item.id)
        assert stale is not None
        await item.save()

        with pytest.raises(Conflict):
            await stale.save()

    async def test_save_keeps_unknown_fields(self) -> None:
        item = await insert_item()
        items = database.database()["items"]
        await items.update_one({"_id": item.id}, {"$set": {"colour": "red"}})

        item.order_id = new_id()
        await item.save()
        item.order_id = None
        await item.save()

        stored = await items.find_one({"_id": item.id})
        assert stored is not None
        assert (stored["colour"], stored["order_id"], stored["version"]) == ("red", None, 2)

    async def test_save_refuses_a_deleted_document(self) -> None:
        item = await insert_item()
        other = await Item.get(item.id)
        assert other is not None
        await other.delete_version()

        with pytest.raises(Conflict):
            await item.save()
        with pytest.raises(Conflict):
            await item.delete_version()
        assert other.version == 1


async def test_probes_report_a_ready_service(served: RunningService) -> None:
    visitor = await served.client()

    assert (await visitor.get("/readyz")).json() == {"status": "ok"}
    assert (await visitor.get("/healthz")).json() == {"status": "ok"}
    assert "http_request_duration_seconds" in (await visitor.get("/metrics")).text
