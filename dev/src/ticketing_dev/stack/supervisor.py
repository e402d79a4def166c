"""Keeps a set of parts running: starts them in order, restarts what dies, stops them in reverse."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ticketing_dev.stack.process import DidNotStart, Process
from ticketing_dev.stack.processes import Part
from ticketing_dev.stack.state import PartState, Standing

T = TypeVar("T")
Tell = Callable[[PartState], None]

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# A part that has been well for so long is not the one that keeps dying.
WELL_AFTER_SECONDS = 5.0
LOUD_AFTER = 5


class Keeper:
    """Keeps one part. `tell` hears of each change of its state."""

    def __init__(self, part: Part, tell: Tell, threads: ThreadPoolExecutor) -> None:
        self.part = part
        self.process = Process(part)
        self.state = PartState(part.name, part.address)
        self.is_ready = asyncio.Event()
        self.is_gone = asyncio.Event()
        self._tell = tell
        self._threads = threads

    async def keep(self) -> None:
        """Start it, and again whenever it dies. Raises DidNotStart for the first time only."""
        await self._start()
        self.is_ready.set()
        bad_turns = 0
        while True:
            began = time.monotonic()
            status = await self._in_thread(self.process.wait)
            if time.monotonic() - began > WELL_AFTER_SECONDS:
                bad_turns = 0
            how = f"ended with status {status}"
            while True:
                # It never gives up: the cause may be a line of code that is being mended.
                pause = min(FIRST_PAUSE * 2**bad_turns, LONGEST_PAUSE)
                bad_turns += 1
                standing: Standing = "restarting" if bad_turns < LOUD_AFTER else "failing"
                self._now(standing, f"{how}; starting it again in {pause:.1f} s")
                await asyncio.sleep(pause)
                self.state = replace(self.state, restarts=self.state.restarts + 1)
                try:
                    await self._start()
                    break
                except DidNotStart as error:
                    how = str(error)

    async def stop(self) -> None:
        """Stop the part, whatever it is doing."""
        try:
            if self.process.alive:
                self._now("stopping")
            by_itself = await self._in_thread(self.process.stop)
            grace = f"did not stop in {self.part.grace:.0f} s and was killed"
            self._now("stopped", "" if by_itself else grace)
        finally:
            self.is_gone.set()

    async def _start(self) -> None:
        began = time.monotonic()
        self.process.launch()
        self._now("starting")
        try:
            await self._in_thread(self.process.wait_until_ready)
        except DidNotStart:
            self.process.kill()
            raise
        self._now("ready", f"ready in {time.monotonic() - began:.2f} s")

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _now(self, standing: Standing, note: str = "") -> None:
        self.state = replace(self.state, state=standing, pid=self.process.pid, note=note)
        self._tell(self.state)


class Supervisor:
    """Keeps all parts of a stack."""

    def __init__(self, parts: Sequence[Part], tell: Tell = lambda _: None) -> None:
        # Each part can have one thread that waits for its end and one that stops it.
        self._threads = ThreadPoolExecutor(2 * len(parts), thread_name_prefix="keeper")
        self._keepers = {part.name: Keeper(part, tell, self._threads) for part in parts}
        self._running: asyncio.Task[object] | None = None

    @property
    def states(self) -> list[PartState]:
        """How each part does, in the order given."""
        return [keeper.state for keeper in self._keepers.values()]

    def keeper(self, name: str) -> Keeper:
        """The keeper of one part."""
        return self._keepers[name]

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start all parts and keep them until asked to stop; leaves none behind however it ends.

        A part starts when what it needs is ready, independent ones side by side. Raises
        DidNotStart for the first that cannot.
        """
        self._running = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                for keeper in self._keepers.values():
                    group.create_task(self._keep_in_turn(keeper))
                for keeper in self._keepers.values():
                    await keeper.is_ready.wait()
                on_ready()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        except asyncio.CancelledError:
            pass  # by `stop`
        finally:
            self._running = None
            await asyncio.gather(*map(self._stop_in_turn, self._keepers.values()))
            self._threads.shutdown()

    def stop(self) -> None:
        """Make `run` end. Asked again while it is ending: end all parts at once."""
        if self._running:
            self._running.cancel()
            self._running = None
            return
        for keeper in self._keepers.values():
            keeper.process.kill()

    async def _keep_in_turn(self, keeper: Keeper) -> None:
        for name in keeper.part.needs:
            await self._keepers[name].is_ready.wait()
        await keeper.keep()

    async def _stop_in_turn(self, keeper: Keeper) -> None:
        for other in self._keepers.values():
            if keeper.part.name in other.part.needs:
                await other.is_gone.wait()
        await keeper.stop()
