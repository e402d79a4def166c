"""Outbox relay: publishes committed outbox rows to JetStream."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any

import structlog
from bson import ObjectId
from nats.aio.client import Client
from nats.errors import Error as NatsError
from pymongo.errors import PyMongoError

from ticketing_common.background import end
from ticketing_common.backoff import Backoff
from ticketing_common.batcher import Batcher
from ticketing_common.events import utc_now
from ticketing_common.messaging.publish import PUBLISH_TIMEOUT_SECONDS, Publisher, Refused
from ticketing_common.observability import metrics
from ticketing_common.persistence import outbox
from ticketing_common.persistence.outbox import Row, SetAside
from ticketing_common.persistence.publish_order import PublishedVersions

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5
"""How often the relay queries for rows that are due: left behind by a process, or set aside."""
SWEEP_ROWS = 64
"""Due rows that one query returns. Small, so that other work is not delayed by many of them."""
REFUSED_PAUSE_SECONDS = 0.2
"""The pause of a sweep after a query whose rows were all refused."""
SWEEP_ROUND_SECONDS = 1
"""How long a sweep waits for the rows of one query before the next query."""
CLOCK_SKEW = timedelta(seconds=2)
"""How far the clock of another replica may be ahead."""
UNAVAILABLE_BACKOFF = Backoff(0.1, 5)
REFUSED_BACKOFF = Backoff(2, 30)
DELETE_DELAY_SECONDS = 0.1
"""How long the deletion of a published row waits for others."""
MAX_ACTIVE = 512
"""Aggregates that are published at the same time, per subject of their first row: a subject without
answers delays no other. The sweep publishes further ones."""
MAX_COMMITTED = 100
"""Rows of one aggregate that are kept in memory while it is being published."""


class Relay:
    """Publish committed domain events: those of this process at once, others in sweeps.

    The rows of one aggregate are published in the order of its versions, and the broker drops a
    second message with the same `Nats-Msg-Id`. So relays need no coordination. A row that the
    broker refuses is set aside with backoff; later rows of its aggregate wait, all others do not.
    """

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._publisher = Publisher(connection)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._committed: dict[str, list[Row]] = {}
        """By aggregate that is being published, the rows that were committed meanwhile."""
        self._active: Counter[str] = Counter()
        """Aggregates that are being published, by subject."""
        self._versions = PublishedVersions()
        self._reads = Batcher(_read, start=self._start, limit=SWEEP_ROWS)
        self._set_asides = Batcher(_set_aside, start=self._start, limit=SWEEP_ROWS)
        self._deletes = Batcher(_delete, start=self._start, limit=500, delay=DELETE_DELAY_SECONDS)
        self._failures = 0
        self._available_at = 0.0
        self._catches_up = True
        self._has_set_aside = True
        self._wake = asyncio.Event()
        self._deadline: float | None = None

    async def run(self) -> None:
        """Publish until cancelled."""
        unsubscribe = outbox.on_commit(self._on_commit)
        try:
            while True:
                self._wake.clear()
                try:
                    await self._sweep_and_measure()
                except PyMongoError as error:
                    self._failed(error)
                backoff = self._available_at - _now()
                try:
                    async with asyncio.timeout(backoff if backoff > 0 else SWEEP_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            unsubscribe()
            await self._end()

    async def drain(self, seconds: float) -> None:
        """Publish the committed rows that are not set aside, in limited time, and delete them.

        Raises: PyMongoError.
        """
        self._deadline = _now() + seconds
        self._available_at = 0
        try:
            await self._deletes.flush()
            if self._connection.is_connected:
                await self._sweep(utc_now() + outbox.SWEEP_AGE + CLOCK_SKEW, fresh=True)
        finally:
            await self._end()
            await self._deletes.flush()

    async def _end(self) -> None:
        await end(self._tasks)
        # A task that was cancelled before its first step has not removed its aggregate.
        self._committed.clear()
        self._active.clear()

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        # Not in the context of the request or handler that happens to be running.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def _is_available(self) -> bool:
        return _now() >= self._available_at

    def _failed(self, error: BaseException) -> None:
        """Stop for a growing delay, because the broker or the database is unavailable.

        A sweep then publishes the rows that are not published meanwhile.
        """
        self._catches_up = True
        if self._is_available:
            self._failures += 1
            delay = UNAVAILABLE_BACKOFF.delay(self._failures)
            self._available_at = _now() + delay
            self._wake.set()
            metrics.PUBLISH_FAILURES.inc()
            log.warning("relay.failed", error=repr(error), retry_in_seconds=delay)

    async def _sweep_and_measure(self) -> None:
        # After a failure also the rows that are younger than SWEEP_AGE.
        before = utc_now() + (outbox.SWEEP_AGE if self._catches_up else timedelta(0))
        self._catches_up = False
        await self._sweep(before)
        if self._has_set_aside:
            count, since = await outbox.count_set_aside()
            age = utc_now() - since if since is not None else timedelta(0)
            metrics.OUTBOX_SET_ASIDE.set(count)
            metrics.OUTBOX_SET_ASIDE_AGE.set(age.total_seconds())
            self._has_set_aside = count > 0

    async def _sweep(self, before: datetime, *, fresh: bool = False) -> None:
        """Publish the rows that are due. Raises: PyMongoError.

        Where all are refused, it ends after `SWEEP_SECONDS`.
        """
        refused_until = _now() + SWEEP_SECONDS
        while self._is_available:
            full = [subject for subject, count in self._active.items() if count >= MAX_ACTIVE]
            due = await outbox.due(before, SWEEP_ROWS, except_subjects=full, fresh=fresh)
            tasks = [
                self._publish_aggregate(aggregate_id, subject)
                for aggregate_id, subject in due.items()
                if aggregate_id not in self._committed
            ]
            if not tasks:
                return
            seconds = SWEEP_ROUND_SECONDS if self._deadline is None else self._deadline - _now()
            done, _ = await asyncio.wait(tasks, timeout=seconds)
            await self._deletes.flush()
            if not any(task.result() for task in done if not task.cancelled()):
                if len(due) < SWEEP_ROWS or _now() > refused_until:
                    return
                await asyncio.sleep(REFUSED_PAUSE_SECONDS)

    def _on_commit(self, row: Row) -> None:
        """Publish a row, or leave it to the sweep if there are too many."""
        committed = self._committed.get(row.aggregate_id)
        if committed is not None:
            if len(committed) < MAX_COMMITTED:
                committed.append(row)
        elif self._is_available and self._active[row.subject] < MAX_ACTIVE:
            self._publish_aggregate(row.aggregate_id, row.subject, row)

    def _publish_aggregate(
        self, aggregate_id: str, subject: str, *committed: Row
    ) -> asyncio.Task[bool]:
        """Publish an aggregate's committed rows in the background, if none are given all its rows.

        The task returns whether any was published.
        """
        self._committed[aggregate_id] = [*committed]
        self._active[subject] += 1
        return self._start(self._publish_while_committed(aggregate_id, subject))

    async def _publish_while_committed(self, aggregate_id: str, subject: str) -> bool:
        has_published = False
        committed = self._committed[aggregate_id]
        try:
            while True:
                rows = self._versions.next_rows(aggregate_id, committed)
                committed.clear()
                if rows is None:
                    rows = await self._reads.add(aggregate_id)
                has_published |= await self._publish_rows(aggregate_id, rows)
                if not committed:
                    break
        except (NatsError, PyMongoError, OSError) as error:
            self._versions.forget(aggregate_id)
            self._failed(error)
        finally:
            del self._committed[aggregate_id]
            self._active[subject] -= 1
        return has_published

    async def _publish_rows(self, aggregate_id: str, rows: Sequence[Row]) -> bool:
        """Publish rows in order up to one that is set aside. Returns whether any was published."""
        has_published = False
        for number, row in enumerate(rows):
            if row.id in self._deletes:
                continue
            if row.is_set_aside(utc_now()):
                await self._set_aside(rows[number:], row.next_attempt_at)
                return has_published
            try:
                await self._publish(row)
            except Refused as refused:
                self._versions.forget(aggregate_id)
                next_attempt_at = utc_now() + timedelta(
                    seconds=REFUSED_BACKOFF.delay(row.attempts + 1)
                )
                if not row.attempts:
                    log.warning("relay.refused", event_id=str(row.id), error=str(refused))
                await self._set_aside(rows[number:], next_attempt_at, error=str(refused))
                return has_published
            has_published = True
        if rows:
            self._versions.record(aggregate_id, rows[-1].version)
        return has_published

    async def _publish(self, row: Row) -> None:
        left = self._deadline - _now() if self._deadline is not None else PUBLISH_TIMEOUT_SECONDS
        try:
            envelope = row.envelope
        except (KeyError, TypeError) as error:
            raise Refused(f"Invalid row: {error!r}") from error
        await self._publisher.publish(envelope, seconds=min(PUBLISH_TIMEOUT_SECONDS, left))
        self._failures = 0
        metrics.EVENTS_PUBLISHED.labels(envelope.subject).inc()
        self._deletes.add(row.id).add_done_callback(self._on_deleted)
        if self._deletes.is_full:
            await self._deletes.flush()

    def _on_deleted(self, result: asyncio.Future[None]) -> None:
        # A row that is not deleted is published again, which the broker or the inboxes notice.
        if not result.cancelled() and (error := result.exception()) is not None:
            self._failed(error)

    async def _set_aside(
        self, rows: Sequence[Row], next_attempt_at: datetime, *, error: str | None = None
    ) -> None:
        """Let rows of one aggregate wait. `error` is why the broker refused the first of them."""
        self._has_set_aside = True
        decisions = [SetAside(row.id, next_attempt_at) for row in rows[1:]]
        if error is not None:
            decisions.append(SetAside(rows[0].id, next_attempt_at, error))
        await asyncio.gather(*map(self._set_asides.add, decisions))


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _read(aggregate_ids: Sequence[str]) -> list[list[Row]]:
    found = await outbox.pending(aggregate_ids)
    return [found.get(aggregate_id, []) for aggregate_id in aggregate_ids]


async def _delete(row_ids: Sequence[ObjectId]) -> list[None]:
    await outbox.delete(row_ids)
    return [None] * len(row_ids)


async def _set_aside(decisions: Sequence[SetAside]) -> list[None]:
    await outbox.set_aside(decisions)
    return [None] * len(decisions)
