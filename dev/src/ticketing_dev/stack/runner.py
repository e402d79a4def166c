"""Run one stack: supervise its processes and report their states to the terminal and the file."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.logs import LogFormatter, LogReader, follow
from ticketing_dev.stack.supervision.state import ProcessState, StackState
from ticketing_dev.stack.supervision.supervisor import Supervisor


class Interrupted(Exception):
    """A signal stopped the stack before it was ready."""


class StackRunner:
    """A stack in this process."""

    def __init__(
        self,
        folder: DataFolder,
        url: str,
        specs: Sequence[ProcessSpec],
        console: Console,
        background: bool,
    ) -> None:
        """In the background it prints no logs and releases the terminal once it is ready."""
        self._folder = folder
        self._specs = specs
        self._console = console
        self._background = background
        self._started_at = time.monotonic()
        self._state = StackState(url, "starting", os.getpid())
        self._supervisor = Supervisor(specs, self._on_change)
        self._spinner = console.status("")
        self._was_ready = False
        self._log_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run all processes until SIGINT, SIGTERM or SIGHUP; none is left running.

        Raises:
            ProcessStartError: a process did not become ready.
            Interrupted: a signal arrived before all processes were ready.
        """
        for spec in self._specs:
            # One log per run; the log of the previous run can explain why it failed.
            with suppress(FileNotFoundError):
                spec.log.rename(spec.log.with_suffix(".before.log"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        self._write_state()
        with self._spinner:
            try:
                await self._supervisor.run(self._on_ready)
            finally:
                if self._log_task:
                    self._log_task.cancel()
                self._state = replace(self._state, state="stopped", pid=None)
                self._write_state()
        if not self._was_ready:
            raise Interrupted
        self._print("Stopped.")

    def _on_ready(self) -> None:
        self._was_ready = True
        self._state = replace(self._state, state="ready")
        self._write_state()
        self._spinner.stop()
        seconds = time.monotonic() - self._started_at
        self._print(f"Ready in {seconds:.1f} s: [bold]{self._state.url}[/]")
        if self._background:
            self._release_terminal()
        else:
            self._print("[dim]`ticketing seed` adds example data. Ctrl-C stops. Logs follow.[/]")
            self._log_task = asyncio.create_task(self._print_logs())

    def _stop(self) -> None:
        self._state = replace(self._state, state="stopping")
        self._print("Stopping")
        self._supervisor.stop()

    def _release_terminal(self) -> None:
        """Redirect the output to a file, so that the process that reads it can end."""
        log = os.open(self._folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        sys.stdout.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)

    def _on_change(self, process: ProcessState) -> None:
        self._write_state()
        starting = [state.name for state in self._supervisor.states if state.state == "starting"]
        self._spinner.update("Starting " + ", ".join(starting))
        match process.state:
            case "ready":
                program = next(s.program for s in self._specs if s.name == process.name)
                self._print(
                    f"[green]✓[/] {process.name:10} {process.note:18} "
                    f"[dim]{process.address} {program}[/]"
                )
            case "restarting" | "failing":
                self._print(f"[bold red]! {process.name} {escape(process.note)}[/]")
            case "stopped" if process.note:
                self._print(f"[bold red]! {process.name} {process.note}[/]")
            case _:
                pass

    def _write_state(self) -> None:
        self._state = replace(self._state, processes=self._supervisor.states)
        self._folder.write(self._state)

    async def _print_logs(self) -> None:
        names = [spec.name for spec in self._specs]
        formatter = LogFormatter(names, human_readable=self._console.is_terminal)
        readers = {spec.name: LogReader(spec.log, last=0) for spec in self._specs}
        async for name, line in follow(readers):
            self._print(formatter.format(name, line))

    def _print(self, text: str | Text) -> None:
        try:
            self._console.print(text, soft_wrap=True, highlight=False)
        except (OSError, SystemExit):  # rich turns a broken pipe into SystemExit
            # The terminal was closed, or the process that reads the output has ended.
            self._console.quiet = True
            if self._state.state in ("starting", "ready"):
                self._stop()
