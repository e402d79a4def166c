"""What runs beside something else, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

AGAIN_SECONDS = 0.5


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run coroutines beside the block; whatever is left of them at its end is cancelled.

    It is cancelled again while it goes on: before Python 3.12 `asyncio.wait_for`, which our clients
    use, loses a cancellation that comes together with what it waits for.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        while left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=AGAIN_SECONDS)
