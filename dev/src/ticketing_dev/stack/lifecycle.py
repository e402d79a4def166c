"""Start a stack in the foreground or in the background, and stop it."""

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

from ticketing_dev.stack import client_build, lock
from ticketing_dev.stack.definition import ClientCommand, Limits, define_stack
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.ports import is_free, port_allocator
from ticketing_dev.stack.runner import StackRunner
from ticketing_dev.stack.secrets import Secrets, StripeAccount
from ticketing_ops.errors import CommandError

# Variables of the developer's shell that every service gets.
SHARED_VARIABLES = ("LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT")
# The same for payments alone.
PAYMENTS_VARIABLES = ("PAYMENT_GRACE_SECONDS",)
# The same for the client alone.
CLIENT_VARIABLES = ("CONTACT_EMAIL", "PAGES_DIR")

DOWN_TIMEOUT_SECONDS, POLL_SECONDS = 60.0, 0.05


class StackError(CommandError):
    """A stack command failed for a reason that its user can change."""


@dataclass(frozen=True)
class StackOptions:
    """The options of `ticketing up`."""

    folder: DataFolder
    port: int
    expiration_window: int | None = None
    fresh: bool = False
    client: bool = True
    dev: bool = False
    replicas: int = 1
    limits: Limits = Limits.RELAXED


def not_running(folder: DataFolder) -> StackError:
    """Return the error for a command that needs a running stack."""
    return StackError(f"No stack is running in {folder.path}. Start one with `ticketing up`.")


def up(options: StackOptions, console: Console, *, background: bool = False) -> None:
    """Run a stack until a signal stops it.

    Raises:
        StackError: the port is in use, the folder has a running stack, or the client build failed.
        ProcessStartError: a process did not become ready. All processes have been stopped.
        Interrupted: a signal arrived before the stack was ready. All processes have been stopped.
    """
    folder = options.folder
    os.umask(0o077)  # the files have passwords, mails and sessions
    try:
        with lock.acquired(folder.lock):
            if options.fresh:
                folder.clear()
            if not is_free(options.port):
                raise StackError(
                    f"Port {options.port} is in use by another program. "
                    "Stop that program, or choose another port with --port."
                )
            secrets = Secrets.load_or_create(folder.secrets)
            state = folder.state
            ports = {process.name: process.port for process in state.processes} if state else {}
            specs = define_stack(
                options.port,
                folder.path,
                port_allocator(ports, reserved=options.port),
                secrets,
                _variables((*SHARED_VARIABLES, *_limit_variables())),
                expiration_window=options.expiration_window,
                client_command=_client_command(options, console),
                reload=options.dev,
                stripe_account=_stripe_account(secrets),
                replicas=options.replicas,
                limits=options.limits,
                payments_env=_variables(PAYMENTS_VARIABLES),
                client_env=_variables(CLIENT_VARIABLES),
                currency=os.environ.get("CURRENCY") or "usd",
            )
            url = f"http://localhost:{options.port}"
            asyncio.run(StackRunner(folder, url, specs, console, background).run())
    except lock.LockHeld as held:
        url = f", {folder.state.url}" if folder.state else ""
        raise StackError(
            f"A stack is already running in {folder.path}: process {held.pid}{url}. "
            "Stop it with `ticketing down`."
        ) from None


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _limit_variables() -> tuple[str, ...]:
    return tuple(name for name in os.environ if name.startswith("LIMIT_"))


def _stripe_account(secrets: Secrets) -> StripeAccount | None:
    try:
        return StripeAccount.from_environment(os.environ, secrets)
    except ValueError as error:
        raise StackError(str(error)) from None


def _client_command(options: StackOptions, console: Console) -> ClientCommand | None:
    """Return the command that serves the client; build the client first where needed."""
    if not options.client:
        return None
    try:
        with console.status("") as spinner:

            def report(text: str) -> None:
                spinner.update(text)
                console.print(f"[dim]{text}[/]", soft_wrap=True)

            if options.dev:
                return client_build.dev_server_command(report)
            command = client_build.server_command(report)
            return lambda _: command
    except client_build.ClientBuildError as error:
        raise StackError(str(error)) from None


def up_in_background(options: StackOptions) -> int:
    """Start the stack in a process of its own and print its output until it is ready.

    Returns the exit status: 0 when the stack is ready. Ctrl-C stops the half-started stack.
    """
    command = [sys.executable, "-P", sys.argv[0], "up", "--in-background"]
    command += ["--port", str(options.port), "--data", str(options.folder.path)]
    if options.expiration_window is not None:
        command += ["--window", str(options.expiration_window)]
    command += ["--fresh"] if options.fresh else []
    command += [] if options.client else ["--no-client"]
    command += ["--dev"] if options.dev else []
    command += ["--replicas", str(options.replicas), "--limits", options.limits]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout
    try:
        # The output ends when the child is ready and redirects it, or when the child ends.
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        child.terminate()
        return child.wait() or 1
    if lock.holder(options.folder.lock) == child.pid:
        return 0
    return child.wait()


def down(folder: DataFolder) -> int | None:
    """Stop the stack of a folder. Return the id of its supervisor, or None if none ran."""
    pid = lock.holder(folder.lock)
    if pid is None:
        return None
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        deadline = time.monotonic() + DOWN_TIMEOUT_SECONDS
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()  # its processes end with it
            time.sleep(POLL_SECONDS)
    return pid


def is_up(folder: DataFolder) -> bool:
    """Return whether a stack is running in this folder."""
    return lock.holder(folder.lock) is not None


def data_folder(path: Path | None) -> DataFolder:
    """Return the folder at `path`, or that of the checkout if None."""
    return DataFolder(path.absolute()) if path else DataFolder.of_checkout()
