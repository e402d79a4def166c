"""Duplicates of all published events, published a while later and in random order."""

import asyncio
import random
from contextlib import suppress

import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ticketing_common.events import EVENTS

HEADER = "Duplicate"


class Duplicator:
    """Publishes every event a second time, as a new message."""

    def __init__(self, url: str, dice: random.Random) -> None:
        self._url = url
        self._dice = dice
        self.published = 0

    async def run(self) -> None:
        """Run until cancelled. Events are not duplicated while the broker is unavailable."""
        connection = await nats.connect(
            self._url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=_ignore
        )
        running: set[asyncio.Task[None]] = set()

        async def receive(message: Msg) -> None:
            if HEADER not in (message.headers or {}):
                task = asyncio.create_task(publish_again(message))
                running.add(task)
                task.add_done_callback(running.discard)

        async def publish_again(message: Msg) -> None:
            await asyncio.sleep(self._dice.uniform(0, 3))
            headers = {k: v for k, v in (message.headers or {}).items() if k != "Nats-Msg-Id"}
            with suppress(NatsError, TimeoutError):
                js = connection.jetstream()
                await js.publish(message.subject, message.data, headers=headers | {HEADER: "1"})
                self.published += 1

        try:
            for event in EVENTS:
                await connection.subscribe(event.subject, cb=receive)
            await asyncio.Event().wait()
        finally:
            for task in running:
                task.cancel()
            await connection.close()


async def _ignore(_: Exception) -> None:
    pass
