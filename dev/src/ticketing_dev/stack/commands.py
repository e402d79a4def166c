"""The commands of the local stack: `ticketing up`, `down`, `restart`, `status`, `logs`, `seed`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ticketing_dev.stack import lifecycle, rolling_restart
from ticketing_dev.stack.definition import Limits
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.lifecycle import StackError, StackOptions
from ticketing_dev.stack.runner import Interrupted
from ticketing_dev.stack.supervision.logs import LogFormatter, LogReader, follow
from ticketing_dev.stack.supervision.process import ProcessStartError
from ticketing_dev.stack.supervision.state import StackState
from ticketing_ops.errors import exit_on_error

console = Console()
error_console = Console(stderr=True, style="red", highlight=False, soft_wrap=True)

Data = Annotated[
    Path | None,
    typer.Option(help="The data folder of the stack.", show_default=".ticketing/ of this checkout"),
]


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """Print an expected error without a traceback and exit with status 1."""
    try:
        with exit_on_error(ProcessStartError, OSError):
            yield
    except Interrupted:
        error_console.print("Interrupted before the stack was ready. All processes are stopped.")
        raise typer.Exit(1) from None


def up(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the stack.")] = 8080,
    data: Data = None,
    window: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds until an unpaid order expires.", show_default="60"),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the stack is ready.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete all earlier data.")] = False,
    client: Annotated[
        bool, typer.Option("--client/--no-client", help="Build and serve the client.")
    ] = True,
    dev: Annotated[
        bool, typer.Option("--dev", help="Reload client and services when their code changes.")
    ] = False,
    replicas: Annotated[int, typer.Option(min=1, max=9, help="Processes per service.")] = 1,
    limits: Annotated[
        Limits,
        typer.Option(help="Limits by address: a hundred times wider, or those of a cluster."),
    ] = Limits.RELAXED,
    in_background: Annotated[bool, typer.Option("--in-background", hidden=True)] = False,
) -> None:
    """Start the local stack and supervise it."""
    folder = lifecycle.data_folder(data)
    options = StackOptions(folder, port, window, fresh, client, dev, replicas, limits)
    if detach:
        raise typer.Exit(lifecycle.up_in_background(options))
    with _exit_on_error():
        lifecycle.up(options, console, background=in_background)


def down(data: Data = None) -> None:
    """Stop the local stack."""
    folder = lifecycle.data_folder(data)
    pid = lifecycle.down(folder)
    message = "Stopped." if pid else f"No stack is running in {folder.path}."
    console.print(message, soft_wrap=True)


def restart(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="A service; all by default.", show_default=False),
    ] = None,
    data: Data = None,
) -> None:
    """Restart services one process at a time; with two replicas there is no downtime."""
    with _exit_on_error():
        rolling_restart.restart(lifecycle.data_folder(data), services or [], console.print)


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Data = None,
) -> None:
    """Show the state of each process. The exit status is 1 unless the stack is running."""
    folder = lifecycle.data_folder(data)
    state, is_up = folder.state, lifecycle.is_up(folder)
    if state is None or not is_up:
        state = StackState(state.url if state else "", "stopped")
    if as_json:
        typer.echo(state.to_json())
    elif not is_up:
        error_console.print(str(lifecycle.not_running(folder)))
    else:
        summary = f"{state.url} is {state.state}, supervised by process {state.pid}"
        console.print(summary, highlight=False)
        console.print(_table(state))
    if not is_up:
        raise typer.Exit(1)


def _table(state: StackState) -> Table:
    table = Table("name", "pid", "address", "state", "restarts", box=None, padding=(0, 2, 0, 0))
    for process in state.processes:
        color = "green" if process.state == "ready" else "yellow"
        table.add_row(
            process.name,
            str(process.pid or ""),
            process.address,
            f"[{color}]{process.state}[/]",
            str(process.restarts),
        )
    return table


def logs(
    process: Annotated[
        str | None,
        typer.Argument(metavar="PROCESS", help="A process; all by default.", show_default=False),
    ] = None,
    *,
    follow_logs: Annotated[
        bool, typer.Option("-f", "--follow", help="Print new lines as they are logged.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--lines",
            min=0,
            help="Number of last lines to print.",
            show_default="all of one process, 20 of each",
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Show the logs since the last start of the stack."""
    folder = lifecycle.data_folder(data)
    with _exit_on_error():
        files = _log_files(folder)
        if not files:
            raise StackError(
                f"No stack has run in {folder.path}, so it has no logs. "
                "Start one with `ticketing up`."
            )
        if process and process not in files:
            raise StackError(
                f"Unknown process {process} in {folder.path}. The processes are {', '.join(files)}."
            )
    formatter = LogFormatter(list(files), human_readable=console.is_terminal)
    last = lines if lines is not None or process else 20
    readers = {
        name: LogReader(path, last) for name, path in files.items() if process in (None, name)
    }
    for name, reader in readers.items():
        for line in reader.new_lines():
            console.print(formatter.format(name, line), soft_wrap=True)

    async def print_new_lines() -> None:
        async for name, line in follow(readers):
            console.print(formatter.format(name, line), soft_wrap=True)

    if follow_logs:
        try:
            asyncio.run(print_new_lines())
        except KeyboardInterrupt:
            raise typer.Exit from None


def seed(data: Data = None) -> None:
    """Add example users, tickets and orders to the running stack."""
    # Imported here because an HTTP client would slow down every other command.
    import httpx

    from ticketing_dev.stack.seed import UnexpectedResponse
    from ticketing_dev.stack.seed import seed as add_examples

    folder = lifecycle.data_folder(data)
    with _exit_on_error():
        if not lifecycle.is_up(folder) or folder.state is None:
            raise lifecycle.not_running(folder)
        try:
            for message in add_examples(folder.state.url):
                console.print(message, highlight=False, soft_wrap=True, markup=False)
        except (UnexpectedResponse, httpx.HTTPError) as error:
            raise StackError(f"Adding the example data failed: {error}") from error


def _log_files(folder: DataFolder) -> dict[str, Path]:
    processes = folder.state.processes if folder.state else []
    files = {each.name: folder.path / each.name / f"{each.name}.log" for each in processes}
    return files | ({"stack": folder.log} if folder.log.exists() else {})


def register(app: typer.Typer) -> None:
    """Add these commands to the `ticketing` command line."""
    for command in (up, down, restart, status, logs, seed):
        app.command()(command)
