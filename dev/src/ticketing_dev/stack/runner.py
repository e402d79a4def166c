"""One running stack: the supervisor at work, told to the terminal and to the state file."""

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

from ticketing_dev.stack.folder import Folder
from ticketing_dev.stack.logs import Tail, Teller, follow
from ticketing_dev.stack.processes import Part
from ticketing_dev.stack.state import PartState, StackState
from ticketing_dev.stack.supervisor import Supervisor


class Interrupted(Exception):
    """It was asked to stop before all parts were ready."""


class Stack:
    """Parts that are kept until somebody says stop, and what is said of them meanwhile."""

    def __init__(
        self, folder: Folder, url: str, parts: Sequence[Part], console: Console, background: bool
    ) -> None:
        """In the background it tells no logs, and lets go of its terminal once all is ready."""
        self._folder = folder
        self._parts = parts
        self._console = console
        self._background = background
        self._began = time.monotonic()
        self._state = StackState(url, "starting", os.getpid())
        self._supervisor = Supervisor(parts, self._tell)
        self._spinner = console.status("")
        self._was_ready = False
        self._telling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start all, keep all, and on SIGINT, SIGTERM or SIGHUP stop all.

        Raises DidNotStart or Interrupted, when nothing runs any more.
        """
        for part in self._parts:
            # One run a log; that of the run before is worth a look when something has gone wrong.
            with suppress(FileNotFoundError):
                part.log.rename(part.log.with_suffix(".before.log"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        self._tell_file()
        with self._spinner:
            try:
                await self._supervisor.run(self._ready)
            finally:
                if self._telling:
                    self._telling.cancel()
                self._state = replace(self._state, state="stopped", pid=None)
                self._tell_file()
        if not self._was_ready:
            raise Interrupted
        self._say("Stopped.")

    def _ready(self) -> None:
        self._was_ready = True
        self._state = replace(self._state, state="ready")
        self._tell_file()
        self._spinner.stop()
        self._say(f"Ready in {time.monotonic() - self._began:.1f} s: [bold]{self._state.url}[/]")
        if self._background:
            self._let_go()
        else:
            self._say("[dim]`ticketing seed` fills it, Ctrl-C stops it. The logs follow.[/]")
            self._telling = asyncio.create_task(self._tell_logs())

    def _stop(self) -> None:
        self._state = replace(self._state, state="stopping")
        self._say("Stopping")
        self._supervisor.stop()

    def _let_go(self) -> None:
        """Go on without whoever waits for the end of our output."""
        log = os.open(self._folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        sys.stdout.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)

    def _tell(self, part: PartState) -> None:
        self._tell_file()
        starting = [state.name for state in self._supervisor.states if state.state == "starting"]
        self._spinner.update("Starting " + ", ".join(starting))
        match part.state:
            case "ready":
                self._say(f"[green]✓[/] {part.name:10} {part.note:18} [dim]{part.address}[/]")
            case "restarting" | "failing":
                self._say(f"[bold red]! {part.name} {escape(part.note)}[/]")
            case "stopped" if part.note:
                self._say(f"[bold red]! {part.name} {part.note}[/]")
            case _:
                pass

    def _tell_file(self) -> None:
        self._state = replace(self._state, parts=self._supervisor.states)
        self._folder.write(self._state)

    async def _tell_logs(self) -> None:
        names = [part.name for part in self._parts]
        teller = Teller(names, for_people=self._console.is_terminal)
        tails = {part.name: Tail(part.log, last=0) for part in self._parts}
        async for name, line in follow(tails):
            self._say(teller.told(name, line))

    def _say(self, text: str | Text) -> None:
        try:
            self._console.print(text, soft_wrap=True, highlight=False)
        except (OSError, SystemExit):  # the latter is what rich makes of a broken pipe
            # Nobody reads us any more: the terminal was closed, or who waited for us is gone.
            self._console.quiet = True
            if self._state.state in ("starting", "ready"):
                self._stop()
