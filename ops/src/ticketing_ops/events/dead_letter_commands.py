"""`ticketing dead-letters`: list, show, retry and discard dead letters."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from ticketing_ops.options import DataOption, NatsOption

# Commands import slow modules where they use them, so that the command line starts fast.
if TYPE_CHECKING:
    from pathlib import Path

    from nats.js import JetStreamContext

    from ticketing_ops.events.dead_letters import DeadLetter

app = typer.Typer(help="List, show, retry and discard dead letters.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="The id that `list` shows.")]
OptionalNumber = Annotated[
    int | None,
    typer.Argument(metavar="ID", min=1, help="The id that `list` shows.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_all(*, as_json: AsJson = False, nats: NatsOption = None, data: DataOption = None) -> None:
    """List all dead letters, oldest first."""
    found = [dead_letter.summary() for dead_letter in _dead_letters(nats, data)]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif not found:
        typer.echo("There are no dead letters.")
    else:
        for row in found:
            typer.echo("{id}  {time}  {listener}  {subject}  attempts: {attempts}".format_map(row))
            typer.echo(f"    {row['error']}")


@app.command()
def show(number: Number, *, nats: NatsOption = None, data: DataOption = None) -> None:
    """Show a dead letter with its headers and its body. Secrets are masked."""
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.events.dead_letters import DeadLetter

    dead_letter = run_on_bus(nats, data, lambda js: DeadLetter.find(js, number))
    typer.echo(json.dumps(dead_letter.details(), indent=2, ensure_ascii=False))


@app.command()
def retry(
    number: OptionalNumber = None,
    *,
    every: All = False,
    yes: Yes = False,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Send the event of a dead letter again, only to the service that failed."""
    from ticketing_ops.events import dead_letters

    _apply("retry", dead_letters.retry, number, every, yes, nats, data)


@app.command()
def discard(
    number: OptionalNumber = None,
    *,
    every: All = False,
    yes: Yes = False,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Delete a dead letter. Its event is not handled; a record without the body remains."""
    from ticketing_ops.events import dead_letters

    _apply("discard", dead_letters.discard, number, every, yes, nats, data)


def _apply(
    verb: str,
    action: "Callable[[JetStreamContext, int], Awaitable[DeadLetter]]",
    number: int | None,
    every: bool,
    yes: bool,
    nats: str | None,
    data: "Path | None",
) -> None:
    """Apply an action to one or all dead letters after a confirmation, and print each result."""
    from ticketing_ops.events.connection import run_on_bus

    if every == (number is not None):
        raise typer.BadParameter("Give either an ID or --all.")
    numbers = [found.number for found in _dead_letters(nats, data)] if number is None else [number]
    which = f"dead letter {number}" if number is not None else f"all {len(numbers)} dead letters"
    if not numbers:
        typer.echo("There are no dead letters.")
        return
    if not yes:
        typer.confirm(f"{verb.capitalize()} {which}?", abort=True)

    async def work(js: "JetStreamContext") -> None:
        for each in numbers:
            dead_letter = await action(js, each)
            done = {"retry": f"sent to {dead_letter.service} again", "discard": "discarded"}[verb]
            typer.echo(f"{each}  {dead_letter.subject}  {done}")

    run_on_bus(nats, data, work)


def _dead_letters(nats: str | None, data: "Path | None") -> "list[DeadLetter]":
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.events.dead_letters import dead_letters

    async def work(js: "JetStreamContext") -> "list[DeadLetter]":
        async with aclosing(dead_letters(js)) as found:
            return [dead_letter async for dead_letter in found]

    return run_on_bus(nats, data, work)
