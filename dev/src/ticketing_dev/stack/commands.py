"""The commands of the local stack: `ticketing up`, `down`, `restart`, `status`, `logs`, `seed`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ticketing_dev.stack import control, rolling_restart
from ticketing_dev.stack.control import Refused, Wish
from ticketing_dev.stack.folder import Folder
from ticketing_dev.stack.logs import Tail, Teller, follow
from ticketing_dev.stack.process import DidNotStart
from ticketing_dev.stack.runner import Interrupted
from ticketing_dev.stack.state import StackState

console = Console()
complaints = Console(stderr=True, style="red", highlight=False, soft_wrap=True)

Data = Annotated[
    Path | None,
    typer.Option(help="The stack's data folder.", show_default=".ticketing/ of this checkout"),
]


@contextmanager
def _complaining() -> Iterator[None]:
    """What went wrong, in words instead of a traceback, and exit status 1."""
    try:
        yield
    except Interrupted:
        complaints.print("Interrupted before it was ready. All is stopped.")
    except (DidNotStart, Refused, OSError) as error:
        complaints.print(str(error), markup=False)
    else:
        return
    raise typer.Exit(1)


def up(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the market answers.")] = 8080,
    data: Data = None,
    window: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds that an order waits for its payment.", show_default="60"),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once all is ready.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all earlier data.")] = False,
    client: Annotated[
        bool, typer.Option("--client/--no-client", help="With the pages, built where they changed.")
    ] = True,
    dev: Annotated[
        bool, typer.Option("--dev", help="Reload pages and services whenever their code changes.")
    ] = False,
    replicas: Annotated[int, typer.Option(min=1, max=9, help="Processes of each service.")] = 1,
    in_background: Annotated[bool, typer.Option("--in-background", hidden=True)] = False,
) -> None:
    """Start the market and keep it running."""
    wish = Wish(control.absolute(data), port, window, fresh, client, dev, replicas)
    if detach:
        raise typer.Exit(control.up_in_background(wish))
    with _complaining():
        control.up(wish, console, background=in_background)


def down(data: Data = None) -> None:
    """Stop the market."""
    folder = control.absolute(data)
    pid = control.down(folder)
    console.print("Stopped." if pid else f"No stack runs on {folder.path}.", soft_wrap=True)


def restart(
    services: Annotated[
        list[str] | None, typer.Argument(help="Which; all if left out.", show_default=False)
    ] = None,
    data: Data = None,
) -> None:
    """Restart services, one process after the other: with two of each nobody notices."""
    with _complaining():
        rolling_restart.restart(control.absolute(data), services or [], console.print)


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    data: Data = None,
) -> None:
    """Show how each part does. The exit status is 1 while the market is not running."""
    folder = control.absolute(data)
    state, is_up = folder.state, control.is_up(folder)
    if state is None or not is_up:
        state = StackState(state.url if state else "", "stopped")
    if as_json:
        typer.echo(state.to_json())
    elif not is_up:
        complaints.print(f"No stack runs on {folder.path}. `ticketing up` starts one.")
    else:
        console.print(f"{state.url} is {state.state}, kept by process {state.pid}", highlight=False)
        console.print(_table(state))
    if not is_up:
        raise typer.Exit(1)


def _table(state: StackState) -> Table:
    table = Table("name", "pid", "address", "state", "restarts", box=None, padding=(0, 2, 0, 0))
    for part in state.parts:
        color = "green" if part.state == "ready" else "yellow"
        pid = str(part.pid or "")
        table.add_row(part.name, pid, part.address, f"[{color}]{part.state}[/]", str(part.restarts))
    return table


def logs(
    part: Annotated[str | None, typer.Argument(help="Whose; all parts' if left out.")] = None,
    *,
    go_on: Annotated[bool, typer.Option("-f", "--follow", help="Go on as they come.")] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--lines",
            min=0,
            help="How many of the last.",
            show_default="all of one part, 20 of each",
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Show what the parts have logged since the market was last started."""
    folder = control.absolute(data)
    with _complaining():
        files = _logs(folder)
        if part and part not in files:
            known = ", ".join(files) or "none"
            raise Refused(f"There is no part {part} on {folder.path}. There are: {known}.")
    teller = Teller(list(files), for_people=console.is_terminal)
    last = lines if lines is not None or part else 20
    tails = {name: Tail(path, last) for name, path in files.items() if part in (None, name)}
    for name, tail in tails.items():
        for line in tail.new_lines():
            console.print(teller.told(name, line), soft_wrap=True)

    async def tell_on() -> None:
        async for name, line in follow(tails):
            console.print(teller.told(name, line), soft_wrap=True)

    if go_on:
        try:
            asyncio.run(tell_on())
        except KeyboardInterrupt:
            raise typer.Exit from None


def seed(data: Data = None) -> None:
    """Fill the running market with people, tickets and orders."""
    # Imported here, because a whole HTTP client would slow every other command down.
    import httpx

    from ticketing_dev.stack.seed import Unexpected
    from ticketing_dev.stack.seed import seed as fill

    folder = control.absolute(data)
    with _complaining():
        if not control.is_up(folder) or folder.state is None:
            raise Refused(f"No stack runs on {folder.path}. `ticketing up` starts one.")
        try:
            for done in fill(folder.state.url):
                console.print(done, highlight=False, soft_wrap=True, markup=False)
        except (Unexpected, httpx.HTTPError) as error:
            raise Refused(f"The market could not be filled: {error}") from error


def _logs(folder: Folder) -> dict[str, Path]:
    parts = folder.state.parts if folder.state else []
    files = {part.name: folder.path / part.name / f"{part.name}.log" for part in parts}
    return files | ({"stack": folder.log} if folder.log.exists() else {})


def register(app: typer.Typer) -> None:
    """Add these commands to the `ticketing` command line."""
    for command in (up, down, restart, status, logs, seed):
        app.command()(command)
