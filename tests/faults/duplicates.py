"""Everything that is said on the bus is said a second time, a while later, in no order."""

import asyncio
import random
from contextlib import suppress

import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ticketing_common.events import EVENTS

MARK = "Echo"


class Echo:
    """Hears what is stored, and has it stored again under an id of its own."""

    def __init__(self, url: str, dice: random.Random) -> None:
        self._url = url
        self._dice = dice
        self.said = 0

    async def run(self) -> None:
        """Until cancelled. What cannot be repeated while the broker is away is not."""
        connection = await nats.connect(
            self._url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=_ignore
        )
        under_way: set[asyncio.Task[None]] = set()

        async def hear(message: Msg) -> None:
            if MARK not in (message.headers or {}):
                task = asyncio.create_task(repeat(message))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

        async def repeat(message: Msg) -> None:
            await asyncio.sleep(self._dice.uniform(0, 3))
            headers = {k: v for k, v in (message.headers or {}).items() if k != "Nats-Msg-Id"}
            with suppress(NatsError, TimeoutError):
                js = connection.jetstream()
                await js.publish(message.subject, message.data, headers=headers | {MARK: "1"})
                self.said += 1

        try:
            for event in EVENTS:
                await connection.subscribe(event.subject, cb=hear)
            await asyncio.Event().wait()
        finally:
            for task in under_way:
                task.cancel()
            await connection.close()


async def _ignore(_: Exception) -> None:
    pass
