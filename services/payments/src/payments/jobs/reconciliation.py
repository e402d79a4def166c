"""Ask Stripe for what its webhooks may not have told us."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from payments.domain.documents import Checkpoint, Payment, WebhookEvent
from payments.stripe import webhooks
from payments.stripe.client import Gateway, NoAnswer
from ticketing_common.events import utc_now

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=5)
KEPT = timedelta(days=30)
"""How long Stripe lists an event."""
SPAN = timedelta(hours=1)
"""What is asked for at once; one that is done need not be asked for again. So short that a round
gets through one even on a day of thousands of payments an hour."""
OVERLAP = timedelta(minutes=10)
"""An event can show up later than its time says, and its webhook takes a moment."""
AT_MOST = timedelta(minutes=4)
"""What one round may take."""
BOOKMARK = "stripe-events"


async def missed(
    gateway: Gateway, since: datetime, until: datetime
) -> AsyncIterator[webhooks.StripeEvent]:
    """Take in each event of that time that the ledger lacks, and yield it. Raises NoAnswer."""
    async for raw in gateway.events(webhooks.TYPES, since, until):
        try:
            event = webhooks.StripeEvent.model_validate(raw)
        except ValidationError:
            log.warning("reconcile.unreadable", stripe_event=raw.get("id"))
            continue
        if await WebhookEvent.get(event.id) is None and await webhooks.take_in(event):
            yield event


def spans(since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From then to now, in spans that are asked for one after another."""
    now = utc_now()
    while since < now:
        until = min(since + SPAN, now)
        yield since, until
        since = until


async def keep_reconciling(gateway: Gateway) -> None:
    """Reconcile every few minutes, on one replica at a time, until cancelled."""
    while True:
        try:
            async with asyncio.timeout(AT_MOST.total_seconds()):
                await _round(gateway)
        except (NoAnswer, TimeoutError) as error:
            log.warning("reconcile.unfinished", error=str(error))
        except Exception:
            log.exception("reconcile.failed")
        await asyncio.sleep(EVERY.total_seconds())


async def _round(gateway: Gateway) -> None:
    now = utc_now()
    oldest = await Payment.find_all().sort("_id").first_or_none()
    first = oldest.id.generation_time if oldest is not None else now
    bookmark = await Checkpoint.take(BOOKMARK, first=max(first, now - KEPT), every=EVERY)
    if bookmark is None:
        return
    for since, until in spans(bookmark.until - OVERLAP):
        async for event in missed(gateway, since, until):
            log.warning("reconcile.missed", stripe_event=event.id, type=event.type)
        await bookmark.move(until)
