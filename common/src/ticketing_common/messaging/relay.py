"""From the outbox to the broker."""

import asyncio
from datetime import timedelta

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from pymongo.errors import PyMongoError

from ticketing_common.events import utc_now
from ticketing_common.observability import telemetry
from ticketing_common.persistence import outbox

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5
"""How often we look for what another process committed and did not live to publish."""
LEFT_BEHIND = timedelta(seconds=2)
"""A row that is older was left behind, or waits for the broker."""
KEYS_AT_ONCE = 64
KEYS_REMEMBERED = 10_000
PUBLISH_SECONDS = 5
LONGEST_PAUSE_SECONDS = 10


class Relay:
    """Publishes what was committed: at once what this process commits, soon what another left.

    Whoever publishes an event publishes all earlier ones of its key first, and the broker drops the
    second copy of a `Nats-Msg-Id`. So several relays need not know of one another, and the events
    of one document enter the stream in the order of its versions.
    """

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js
        self._keys: dict[str, None] = {}
        self._woken = asyncio.Event()

    def wake(self, key: str) -> None:
        """Publish this key's rows now."""
        if len(self._keys) < KEYS_REMEMBERED:  # the sweep finds the others
            self._keys[key] = None
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        undo = outbox.on_commit(self.wake)
        try:
            pause = 0.1
            sweep_at = 0.0
            loop = asyncio.get_running_loop()
            while True:
                try:
                    if loop.time() >= sweep_at:
                        await self.sweep()
                        sweep_at = loop.time() + SWEEP_SECONDS
                    await self.publish_woken()
                    pause = 0.1
                except (NatsError, PyMongoError, OSError) as error:
                    telemetry.OUTBOX_FAILURES.inc()
                    log.warning("relay.failed", error=repr(error), again_in_seconds=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                    continue
                try:
                    async with asyncio.timeout(max(0, sweep_at - loop.time())):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        finally:
            undo()

    async def publish_woken(self) -> None:
        """Publish the rows of the keys that we were woken for. Raises what the broker raises."""
        while self._keys:
            keys = list(self._keys)[:KEYS_AT_ONCE]
            for key in keys:
                del self._keys[key]
            await self._publish_keys(keys)
        self._woken.clear()

    async def sweep(self) -> None:
        """Publish what was left behind, oldest first. Raises what the broker raises."""
        while keys := await outbox.keys_waiting_since(utc_now() - LEFT_BEHIND, KEYS_AT_ONCE):
            await self._publish_keys(keys)

    async def drain(self) -> None:
        """Publish everything that is committed. Raises what the broker raises."""
        while keys := await outbox.keys_waiting_since(utc_now() + LEFT_BEHIND, KEYS_AT_ONCE):
            await self._publish_keys(keys)

    async def _publish_keys(self, keys: list[str]) -> None:
        ends = await asyncio.gather(*map(self._publish, keys), return_exceptions=True)
        failures = {
            key: end for key, end in zip(keys, ends, strict=True) if isinstance(end, Exception)
        }
        self._keys.update(dict.fromkeys(failures))
        for failure in failures.values():
            raise failure

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
