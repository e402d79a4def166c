"""Handlers whose document shows that they have run, instead of an inbox row."""

import pytest
from beanie import PydanticObjectId
from common.tests.sample_service import Copy, Item
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from ticketing_common.events import OrderCancelled, OrderCreated
from ticketing_common.messaging.listeners import Listeners, Outcome
from ticketing_common.persistence.database import database
from ticketing_common.persistence.proof import Proof
from ticketing_testing import RunningService, new_event, new_id

listeners = Listeners("proofs")


@listeners.on(OrderCreated, proof=Proof(Copy, {"title": "handled"}))
async def insert_copy(event: OrderCreated) -> None:
    await Item(title=event.id, user_id=event.user_id).insert()
    await Copy(id=PydanticObjectId(event.id), title="handled").insert()


@listeners.on(OrderCancelled)
async def insert_item(event: OrderCancelled) -> None:
    await Item(title=event.id, user_id=event.user_id).insert()


async def inbox_rows() -> int:
    return await database()["inbox"].count_documents({})


async def test_proof_replaces_the_inbox_row(served: RunningService) -> None:
    event = new_event(OrderCreated)
    outcomes = [await listeners.handle(event, new_id()) for _ in range(3)]

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert await Item.count() == 1
    assert await inbox_rows() == 0


async def test_handler_without_a_proof_has_an_inbox_row(served: RunningService) -> None:
    event_id = new_id()
    outcomes = [
        await listeners.handle(new_event(OrderCancelled), event_id),
        await listeners.handle(new_event(OrderCancelled), event_id),
    ]

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE]
    assert await inbox_rows() == 1


async def test_duplicate_key_without_the_proof_is_a_failure(served: RunningService) -> None:
    """Another document's key, or a document that does not show the effect, proves nothing."""
    await Item.get_pymongo_collection().create_indexes([IndexModel("user_id", unique=True)])
    first = new_event(OrderCreated)
    await listeners.handle(first, new_id())

    with pytest.raises(DuplicateKeyError):
        await listeners.handle(new_event(OrderCreated, user_id=first.user_id), new_id())

    unproven = new_event(OrderCreated)
    await Copy(id=PydanticObjectId(unproven.id), title="something else").insert()
    with pytest.raises(DuplicateKeyError):
        await listeners.handle(unproven, new_id())
    assert await Item.count() == 1
