"""Stacks from outside: one brought up here or in the background, one taken down."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from ticketing_dev.stack import client, lock
from ticketing_dev.stack.definition import ClientCommand, market
from ticketing_dev.stack.folder import Folder
from ticketing_dev.stack.keys import Keys, StripeAccount
from ticketing_dev.stack.ports import chooser, is_free
from ticketing_dev.stack.runner import Stack

# What a developer sets for all services, if anything.
PASSED_ON = ("LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT")
# The same for payments alone.
PASSED_TO_PAYMENTS = ("PAYMENT_GRACE_SECONDS",)

DOWN_SECONDS, LOOK_EVERY_SECONDS = 60.0, 0.05


class Refused(Exception):
    """It cannot be done, for a reason that the user can do something about."""


@dataclass(frozen=True)
class Wish:
    """What stack is wanted."""

    folder: Folder
    port: int
    window: int | None = None
    fresh: bool = False
    client: bool = True
    dev: bool = False
    replicas: int = 1


def up(wish: Wish, console: Console, *, background: bool = False) -> None:
    """Bring a stack up and keep it until it is asked to stop.

    Raises Refused, DidNotStart or Interrupted, when nothing runs any more.
    """
    folder = wish.folder
    try:
        with lock.held(folder.lock):
            if wish.fresh:
                folder.clear()
            if not is_free(wish.port):
                raise Refused(
                    f"Port {wish.port} is taken by another program. "
                    "Stop that one, or choose another port with --port."
                )
            keys = Keys.kept_in(folder.keys)
            before = {part.name: part.port for part in folder.state.parts} if folder.state else {}
            parts = market(
                wish.port,
                folder.path,
                chooser(before, taken=wish.port),
                keys,
                {name: os.environ[name] for name in PASSED_ON if name in os.environ},
                wish.window,
                _client(wish, console),
                wish.dev,
                _account(keys),
                wish.replicas,
                {name: os.environ[name] for name in PASSED_TO_PAYMENTS if name in os.environ},
                os.environ.get("CURRENCY") or "usd",
            )
            url = f"http://localhost:{wish.port}"
            asyncio.run(Stack(folder, url, parts, console, background).run())
    except lock.Taken as taken:
        where = f", {folder.state.url}" if folder.state else ""
        raise Refused(
            f"A stack already runs on {folder.path}: process {taken.pid}{where}. "
            "`ticketing down` stops it."
        ) from None


def _account(keys: Keys) -> StripeAccount | None:
    """Whose Stripe is used, where the developer says so."""
    try:
        return StripeAccount.named_in(os.environ, keys)
    except ValueError as error:
        raise Refused(str(error)) from None


def _client(wish: Wish, console: Console) -> ClientCommand | None:
    """How the pages are served; built first where that is to be done."""
    if not wish.client:
        return None
    try:
        with console.status("") as spinner:

            def say(text: str) -> None:
                spinner.update(text)
                console.print(f"[dim]{text}[/]", soft_wrap=True)

            if wish.dev:
                return client.developing(say)
            command = client.serving(say)
            return lambda _: command
    except client.NotBuilt as error:
        raise Refused(str(error)) from None


def up_in_background(wish: Wish) -> int:
    """Have a process of its own bring the stack up; what it says until it is ready is printed here.

    Gives the exit status: 0 when all is ready. An interrupt takes the half-started stack down.
    """
    command = [sys.executable, "-P", sys.argv[0], "up", "--in-background"]
    command += ["--port", str(wish.port), "--data", str(wish.folder.path)]
    command += [] if wish.window is None else ["--window", str(wish.window)]
    command += ["--fresh"] if wish.fresh else []
    command += [] if wish.client else ["--no-client"]
    command += ["--dev"] if wish.dev else []
    command += ["--replicas", str(wish.replicas)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout
    try:
        # Its output ends when it is ready and lets go of us, or when it ends.
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        child.terminate()
        return child.wait() or 1
    if lock.holder(wish.folder.lock) == child.pid:
        return 0
    return child.wait()


def down(folder: Folder) -> int | None:
    """Take the stack of this folder down. Gives the process that kept it, if there was one."""
    pid = lock.holder(folder.lock)
    if pid is None:
        return None
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        deadline = time.monotonic() + DOWN_SECONDS
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()  # its parts end with it
            time.sleep(LOOK_EVERY_SECONDS)
    return pid


def is_up(folder: Folder) -> bool:
    """Whether a stack runs on this folder."""
    return lock.holder(folder.lock) is not None


def absolute(data: Path | None) -> Folder:
    """The folder that the user named, or that of the checkout."""
    return Folder(data.absolute()) if data else Folder.here()
