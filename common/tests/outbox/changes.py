"""Committed changes, and the state of the outbox that they leave."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from common.tests.sample_service import Item
from pymongo import monitoring

from ticketing_common.events import PaymentFailed, TicketCreated, TicketUpdated
from ticketing_common.persistence import outbox
from ticketing_common.persistence.transaction import transactional
from ticketing_testing import new_id


@transactional
async def make() -> Item:
    """Commit a new item with its event."""
    item = await Item(title="a", user_id=new_id()).insert()
    await outbox.add(TicketCreated.of(item))
    return item


@transactional
async def change(item_id: object) -> Item:
    """Commit the next version of an item with its event."""
    item = await Item.get(item_id)
    assert item is not None
    await item.save()
    await outbox.add(TicketUpdated.of(item))
    return item


@transactional
async def fail_payments(count: int, order_id: str | None = None) -> list[PaymentFailed]:
    """Commit events without a version, of one order or of one each."""
    events = [PaymentFailed(id=new_id(), order_id=order_id or new_id()) for _ in range(count)]
    for event in events:
        await outbox.add(event)
    return events


@contextmanager
def uncommunicated(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commit in the block as another process would: this process's relay does not notice."""
    with monkeypatch.context() as other:
        other.setattr(outbox, "notify_after_commit", lambda *_: None)
        yield


async def is_empty() -> bool:
    return await outbox.rows().count_documents({}) == 0


class Commands(monitoring.CommandListener):
    """The MongoDB commands on the outbox."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.commands: list[Any] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get(event.command_name) == "outbox":
            self.names.append(event.command_name)
            self.commands.append(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...
