"""From the outbox to the broker."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError
from pymongo.errors import PyMongoError

from ticketing_common import outbox, telemetry
from ticketing_common.events import utc_now

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5
"""How often we look for what another process committed and did not live to publish."""
LEFT_BEHIND = timedelta(seconds=2)
"""A row that is older was left behind, or waits for the broker."""
KEYS_AT_ONCE = 64
KEYS_REMEMBERED = 10_000
STUCK_AT_MOST = 256
"""Keys that a sweep finds that it cannot publish, after which it leaves the younger ones alone."""
PUBLISH_SECONDS = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0


class Relay:
    """Publishes what was committed: at once what this process commits, soon what another left.

    Whoever publishes an event publishes all earlier ones of its key first, and the broker drops the
    second copy of a `Nats-Msg-Id`. So several relays need not know of one another, and the events
    of one document enter the stream in the order of its versions.
    """

    def __init__(self, js: JetStreamContext, make_streams: Callable[[], Awaitable[object]]) -> None:
        """`make_streams`: for a broker that came back without them."""
        self._js = js
        self._make_streams = make_streams
        self._keys: dict[str, None] = {}
        self._woken = asyncio.Event()

    def wake(self, key: str) -> None:
        """Publish this key's rows now."""
        if len(self._keys) < KEYS_REMEMBERED:  # the sweep finds the others
            self._keys[key] = None
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled. What cannot be published now holds up its own key alone."""
        undo = outbox.on_commit(self.wake)
        try:
            async with asyncio.TaskGroup() as work:
                work.create_task(self._keep(self.publish_woken, self._woken.wait))
                work.create_task(self._keep(self.sweep, lambda: asyncio.sleep(SWEEP_SECONDS)))
        finally:
            undo()

    async def _keep(
        self, publish: Callable[[], Awaitable[None]], wait: Callable[[], Awaitable[object]]
    ) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await publish()
            except (NatsError, PyMongoError, OSError) as error:
                telemetry.OUTBOX_FAILURES.inc()
                log.warning("relay.failed", error=repr(error), again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                pause = FIRST_PAUSE_SECONDS
                await wait()

    async def publish_woken(self) -> None:
        """Publish the rows of the keys that we were woken for, or leave some to the sweep.

        Raises what the broker raises where nothing gets through.
        """
        self._woken.clear()
        while self._keys:
            keys = list(self._keys)[:KEYS_AT_ONCE]
            for key in keys:
                del self._keys[key]
            failures = await self._publish_keys(keys)
            if len(failures) == len(keys):
                self._keys.update(dict.fromkeys(keys))
                _raise_one_of(failures)

    async def sweep(self) -> None:
        """Publish what was left behind, oldest first. Raises what the broker raises, at the end."""
        await self._publish_all(before=utc_now() - LEFT_BEHIND)

    async def drain(self) -> None:
        """Publish all that is committed. Raises what the broker raises, at the end."""
        await self._publish_all(before=utc_now() + LEFT_BEHIND)

    async def _publish_all(self, before: datetime) -> None:
        stuck: dict[str, Exception] = {}
        while len(stuck) < STUCK_AT_MOST:
            keys = await outbox.keys_waiting_since(before, KEYS_AT_ONCE, but=list(stuck))
            if not keys:
                break
            stuck |= await self._publish_keys(keys)
        if any(isinstance(failure, NoStreamResponseError) for failure in stuck.values()):
            await self._make_streams()
        _raise_one_of(stuck)

    async def _publish_keys(self, keys: list[str]) -> dict[str, Exception]:
        """Gives the keys that failed, and how."""
        ends = await asyncio.gather(*map(self._publish, keys), return_exceptions=True)
        return {key: end for key, end in zip(keys, ends, strict=True) if isinstance(end, Exception)}

    async def _publish(self, key: str) -> None:
        published = []
        try:
            for row_id, envelope in await outbox.pending(key):
                await self._js.publish(
                    envelope.subject,
                    envelope.body,
                    headers=dict(envelope.headers),
                    timeout=PUBLISH_SECONDS,
                )
                telemetry.PUBLISHED.labels(envelope.subject).inc()
                published.append(row_id)
        finally:
            if published:
                await outbox.forget(published)


def _raise_one_of(failures: dict[str, Exception]) -> None:
    for failure in failures.values():
        raise failure
