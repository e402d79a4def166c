"""One command for many items that arrive at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Hashable)
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Collect items, and run a command with all items that wait.

    Only one command runs at a time; items that arrive meanwhile belong to the next one.
    """

    def __init__(
        self,
        command: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        limit: int,
        delay: float = 0,
    ) -> None:
        """`command` takes up to `limit` items and returns a result for each.

        It runs `delay` seconds after an item was added, in a task that `start` starts.
        """
        self._command = command
        self._start = start
        self._limit = limit
        self._delay = delay
        self._waiting: dict[T, asyncio.Future[R]] = {}
        self._one_command = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def __contains__(self, item: T) -> bool:
        """Return whether the item's command has not ended yet."""
        return item in self._waiting

    @property
    def is_full(self) -> bool:
        """Whether the waiting items fill a command."""
        return len(self._waiting) >= self._limit

    def add(self, item: T) -> asyncio.Future[R]:
        """Return the future result of an item."""
        future = self._waiting.get(item)
        if future is None or future.done():
            future = self._waiting[item] = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = self._start(self._work())
        return future

    async def flush(self) -> None:
        """Run the command for all waiting items. Their futures get its results or its exception."""
        while self._waiting:
            await self._run_command()

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._delay)
            await self._run_command()

    async def _run_command(self) -> None:
        async with self._one_command:
            # A cancellation leaves the items waiting, for the next command.
            batch = list(self._waiting)[: self._limit]
            results: Sequence[R] | Exception = ()
            try:
                if batch:
                    results = await self._command(batch)
            except Exception as error:
                results = error
            for number, item in enumerate(batch):
                future = self._waiting.pop(item)
                if future.done():
                    continue
                if isinstance(results, Exception):
                    future.set_exception(results)
                else:
                    future.set_result(results[number])
