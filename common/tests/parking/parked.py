"""Helpers of the tests of parked events."""

from collections.abc import Awaitable, Callable
from typing import Any

from common.tests.sample_service import Copy, Item, SampleListeners

from ticketing_common.events import (
    OrderCancelled,
)
from ticketing_common.messaging.listeners import RetryLater
from ticketing_common.persistence import parked_events
from ticketing_testing import (
    eventually,
)


async def parked() -> list[dict[str, Any]]:
    return await parked_events.rows().find().sort("_id").to_list()


async def wait_until_parked(count: int) -> list[dict[str, Any]]:
    async def are_parked() -> list[dict[str, Any]]:
        rows = await parked()
        assert len(rows) == count
        return rows or [{}]

    return await eventually(are_parked)


def waiting_for_item(sample: SampleListeners) -> Callable[[object], Awaitable[None]]:
    """Return a hook with which an OrderCancelled needs the item of its OrderCreated."""

    async def hook(event: object) -> None:
        if not isinstance(event, OrderCancelled):
            return
        if not await Item.find({"title": event.id}).exists():
            raise RetryLater("there is no item", waits_for=event.id)

    return hook


async def only_copy() -> Copy:
    copies = await Copy.find_all().to_list()
    assert len(copies) == 1
    return copies[0]
