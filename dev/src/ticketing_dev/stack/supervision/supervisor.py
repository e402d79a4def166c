"""Supervise a set of processes: start them in order, restart them, stop them in reverse order."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process, ProcessStartError
from ticketing_dev.stack.supervision.state import ProcessState, ProcessStatus

T = TypeVar("T")
OnChange = Callable[[ProcessState], None]

FIRST_DELAY, MAX_DELAY = 0.1, 5.0
# A process that has run this long starts with the first restart delay again.
HEALTHY_AFTER_SECONDS = 5.0
FAILING_AFTER_RESTARTS = 5


class SupervisedProcess:
    """One process with its restart policy. `on_change` is called at each change of state."""

    def __init__(self, spec: ProcessSpec, on_change: OnChange, threads: ThreadPoolExecutor) -> None:
        self.spec = spec
        self.process = Process(spec)
        self.state = ProcessState(spec.name, spec.address)
        self.ready = asyncio.Event()
        self.stopped = asyncio.Event()
        self._on_change = on_change
        self._threads = threads

    async def run(self) -> None:
        """Start the process and restart it whenever it ends, until cancelled.

        Raises:
            ProcessStartError: the first start failed. Later failures are retried with backoff.
        """
        await self._start()
        self.ready.set()
        failures = 0
        while True:
            started_at = time.monotonic()
            status = await self._in_thread(self.process.wait)
            if time.monotonic() - started_at > HEALTHY_AFTER_SECONDS:
                failures = 0
            reason = f"ended with status {status}"
            while True:
                # No limit of restarts: the developer may be fixing the cause right now.
                delay = min(FIRST_DELAY * 2**failures, MAX_DELAY)
                failures += 1
                new: ProcessStatus = (
                    "restarting" if failures < FAILING_AFTER_RESTARTS else "failing"
                )
                self._set_state(new, f"{reason}; restarting in {delay:.1f} s")
                await asyncio.sleep(delay)
                self.state = replace(self.state, restarts=self.state.restarts + 1)
                try:
                    await self._start()
                    break
                except ProcessStartError as error:
                    reason = str(error)

    async def stop(self) -> None:
        """Stop the process in any state."""
        try:
            if self.process.is_alive:
                self._set_state("stopping")
            graceful = await self._in_thread(self.process.stop)
            killed = f"did not stop in {self.spec.stop_timeout:.0f} s and was killed"
            self._set_state("stopped", "" if graceful else killed)
        finally:
            self.stopped.set()

    async def _start(self) -> None:
        started_at = time.monotonic()
        self.process.launch()
        self._set_state("starting")
        try:
            await self._in_thread(self.process.wait_until_ready)
        except ProcessStartError:
            self.process.kill()
            raise
        self._set_state("ready", f"ready in {time.monotonic() - started_at:.2f} s")

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _set_state(self, state: ProcessStatus, note: str = "") -> None:
        self.state = replace(self.state, state=state, pid=self.process.pid, note=note)
        self._on_change(self.state)


class Supervisor:
    """Run all processes of a stack."""

    def __init__(self, specs: Sequence[ProcessSpec], on_change: OnChange = lambda _: None) -> None:
        # Two threads per process: one waits for its end, one can stop it.
        self._threads = ThreadPoolExecutor(2 * len(specs), thread_name_prefix="supervisor")
        self._processes = {
            spec.name: SupervisedProcess(spec, on_change, self._threads) for spec in specs
        }
        self._running: asyncio.Task[object] | None = None

    @property
    def states(self) -> list[ProcessState]:
        """The state of each process, in the order of the specs."""
        return [process.state for process in self._processes.values()]

    def process(self, name: str) -> Process:
        """Return a process by name."""
        return self._processes[name].process

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start all processes and supervise them until `stop`; stop them all in any case.

        A process starts when its dependencies are ready; independent ones start in parallel.

        Raises:
            ProcessStartError: a process did not start.
        """
        self._running = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                for process in self._processes.values():
                    group.create_task(self._run_after_dependencies(process))
                for process in self._processes.values():
                    await process.ready.wait()
                on_ready()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        except asyncio.CancelledError:
            pass  # by `stop`
        finally:
            self._running = None
            await asyncio.gather(*map(self._stop_after_dependents, self._processes.values()))
            self._threads.shutdown()

    def stop(self) -> None:
        """End `run`. A second call kills all processes at once."""
        if self._running:
            self._running.cancel()
            self._running = None
            return
        for supervised in self._processes.values():
            supervised.process.kill()

    async def _run_after_dependencies(self, process: SupervisedProcess) -> None:
        for name in process.spec.depends_on:
            await self._processes[name].ready.wait()
        await process.run()

    async def _stop_after_dependents(self, process: SupervisedProcess) -> None:
        for other in self._processes.values():
            if process.spec.name in other.spec.depends_on:
                await other.stopped.wait()
        await process.stop()
