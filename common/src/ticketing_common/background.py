"""Background tasks with a bounded lifetime."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from ticketing_common.backoff import Backoff

RECANCEL_SECONDS = 0.5


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run coroutines beside the block and cancel the unfinished ones at its end.

    A task that is still running is cancelled again after `RECANCEL_SECONDS`: before Python 3.12,
    `asyncio.wait_for` (used by nats-py and arq) can lose a cancellation that arrives together with
    the result.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        await end(tasks)


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and again every `RECANCEL_SECONDS`, until all of them have ended."""
    interrupted = False
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        try:
            await asyncio.wait(running, timeout=RECANCEL_SECONDS)
        except asyncio.CancelledError:  # the tasks still have to end first
            interrupted = True
    if interrupted:
        raise asyncio.CancelledError


async def run_until_failure(*work: Coroutine[Any, Any, None]) -> None:
    """Run coroutines until one ends, cancel the others, and raise the first failure.

    Unlike `asyncio.TaskGroup`, this does not wait forever for a task that loses its cancellation.
    """
    async with background(*work) as tasks:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    failures = [task.exception() for task in tasks if not task.cancelled()]
    for failure in failures:
        if failure is not None:
            raise failure


async def run_again(
    work: Callable[[], Awaitable[None]],
    errors: tuple[type[Exception], ...],
    backoff: Backoff,
    *,
    on_failure: Callable[[Exception, float], None],
) -> None:
    """Run work again after each of the errors, with backoff, until cancelled.

    The backoff starts from its first delay after work that ran for longer than the longest one.
    `on_failure` gets the error and the seconds until the next run.
    """
    failures = 0
    while True:
        started_at = time.monotonic()
        try:
            await work()
        except errors as error:
            has_run = time.monotonic() - started_at > backoff.longest
            failures = 1 if has_run else failures + 1
            delay = backoff.delay(failures)
            on_failure(error, delay)
            await asyncio.sleep(delay)
