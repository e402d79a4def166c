"""Reconciliation: process the events that Stripe lists and the ledger lacks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Self

import structlog
from beanie import Document
from pydantic import ValidationError
from pymongo.errors import DuplicateKeyError

from payments.domain.documents import Payment
from payments.stripe.client import StripeClient, StripeUnavailable
from payments.stripe.webhooks import EVENT_TYPES, StripeEvent, WebhookEvent, process
from ticketing_common.events import UtcTime, utc_now
from ticketing_common.persistence.lease import claim_due

log = structlog.get_logger(__name__)

INTERVAL = timedelta(minutes=5)
RETENTION = timedelta(days=30)
"""How long Stripe lists an event."""
WINDOW = timedelta(hours=1)
"""The period of one request: short enough to finish a window even on a very busy day."""
OVERLAP = timedelta(minutes=10)
"""Stripe can list an event later than its time, and its webhook takes a moment."""
RUN_TIMEOUT = timedelta(minutes=4)
CHECKPOINT_ID = "stripe-events"


class Checkpoint(Document):
    """The time up to which reconciliation is complete."""

    class Settings:
        name: ClassVar[str] = "checkpoints"

    id: str  # type: ignore[assignment]
    until: UtcTime
    due_at: UtcTime

    @classmethod
    async def claim(cls, name: str, *, first: datetime, interval: timedelta) -> Self | None:
        """Claim the checkpoint for an interval, None if it is not due.

        A missing checkpoint is created with `first`.
        """
        collection = cls.get_pymongo_collection()
        try:
            await collection.update_one(
                {"_id": name}, {"$setOnInsert": {"until": first, "due_at": utc_now()}}, upsert=True
            )
        except DuplicateKeyError:
            return None  # another process creates it at this moment
        claimed = await claim_due(collection, "due_at", interval, where={"_id": name})
        return cls.model_validate(claimed) if claimed is not None else None

    async def advance(self, until: datetime) -> None:
        """Move the checkpoint forward."""
        self.until = until
        await self.get_pymongo_collection().update_one({"_id": self.id}, {"$max": {"until": until}})


async def process_missed(
    stripe: StripeClient, since: datetime, until: datetime
) -> AsyncIterator[StripeEvent]:
    """Process each event of a period that the ledger lacks, and yield it.

    Raises: StripeUnavailable.
    """
    async for raw in stripe.list_events(EVENT_TYPES, since, until):
        try:
            event = StripeEvent.model_validate(raw)
        except ValidationError:
            log.warning("reconciliation.invalid_event", stripe_event=raw.get("id"))
            continue
        if await WebhookEvent.get(event.id) is None and await process(event):
            yield event


def windows(since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows from a time until now, without a gap."""
    now = utc_now()
    while since < now:
        until = min(since + WINDOW, now)
        yield since, until
        since = until


async def run(stripe: StripeClient) -> None:
    """Reconcile every few minutes, in one process at a time, until cancelled."""
    while True:
        try:
            async with asyncio.timeout(RUN_TIMEOUT.total_seconds()):
                await _reconcile(stripe)
        except (StripeUnavailable, TimeoutError) as error:
            log.warning("reconciliation.incomplete", error=str(error))
        except Exception:
            log.exception("reconciliation.failed")
        await asyncio.sleep(INTERVAL.total_seconds())


async def _reconcile(stripe: StripeClient) -> None:
    now = utc_now()
    oldest = await Payment.find_all().sort("_id").first_or_none()
    first = oldest.id.generation_time if oldest is not None else now
    checkpoint = await Checkpoint.claim(
        CHECKPOINT_ID, first=max(first, now - RETENTION), interval=INTERVAL
    )
    if checkpoint is None:
        return
    for since, until in windows(checkpoint.until - OVERLAP):
        async for event in process_missed(stripe, since, until):
            log.warning("webhook.missed", stripe_event=event.id, type=event.type)
        await checkpoint.advance(until)
