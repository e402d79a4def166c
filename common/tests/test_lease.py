import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pymongo.asynchronous.collection import AsyncCollection

from ticketing_common.events import utc_now
from ticketing_common.persistence import database
from ticketing_common.persistence.lease import claim_due
from ticketing_testing import RunningService

LEASE = timedelta(seconds=60)
Collection = AsyncCollection[dict[str, Any]]


@pytest.fixture
def work(served: RunningService) -> Collection:
    """An empty collection."""
    return database.database()["work"]


async def insert(work: Collection, seconds_ago: float, **fields: Any) -> dict[str, Any]:
    row = {"due_at": utc_now() - timedelta(seconds=seconds_ago), **fields}
    await work.insert_one(row)
    return row


async def claim(work: Collection, **options: Any) -> dict[str, Any] | None:
    return await claim_due(work, "due_at", LEASE, **options)


async def test_claim_due_returns_the_oldest_and_moves_it_to_the_end_of_the_lease(
    work: Collection,
) -> None:
    await insert(work, 1)
    oldest = await insert(work, 2)
    before = utc_now()

    claimed = await claim(work, count="claims")

    assert claimed is not None
    assert claimed["_id"] == oldest["_id"]
    assert claimed["claims"] == 1
    assert before + LEASE <= claimed["due_at"] <= utc_now() + LEASE
    assert await work.find_one({"_id": oldest["_id"]}) == claimed


async def test_claim_due_skips_what_is_not_due_or_does_not_match(work: Collection) -> None:
    await insert(work, -10, state="queued")
    await insert(work, 10, state="sent")

    assert await claim(work, where={"state": "queued"}) is None


async def test_claim_due_claims_each_document_once_from_many_callers(work: Collection) -> None:
    rows = [await insert(work, number) for number in range(1, 11)]

    claimed = await asyncio.gather(*(claim(work, count="claims") for _ in range(15)))

    ids = [row["_id"] for row in claimed if row is not None]
    assert sorted(ids) == sorted(row["_id"] for row in rows)
    assert claimed.count(None) == 5
    assert {row["claims"] for row in await work.find().to_list()} == {1}


async def test_claim_due_returns_a_document_again_after_its_lease(work: Collection) -> None:
    row = await insert(work, 1)
    await claim_due(work, "due_at", timedelta(0), count="claims")

    claimed = await claim(work, count="claims")

    assert claimed is not None
    assert (claimed["_id"], claimed["claims"]) == (row["_id"], 2)


async def test_claim_due_claims_a_row_whose_count_is_invalid(work: Collection) -> None:
    await insert(work, 1, claims="x")

    claimed = await claim(work, count="claims")

    assert claimed is not None
    assert claimed["claims"] == 1
