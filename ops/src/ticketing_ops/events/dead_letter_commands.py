"""`ticketing dead-letters`: what no listener could handle, and what becomes of it."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

# What knows NATS and pydantic is imported where it is used: it would slow other commands down.
if TYPE_CHECKING:
    from nats.js import JetStreamContext

    from ticketing_ops.events.dead_letters import Letter

from ticketing_ops.events.options import Data, Nats

app = typer.Typer(help="Events that could not be handled.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="As `list` shows it.")]
NumberOrAll = Annotated[
    int | None, typer.Argument(metavar="ID", min=1, help="As `list` shows it.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="Every one.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def show_all(*, as_json: AsJson = False, nats: Nats = None, data: Data = None) -> None:
    """Show all dead letters, the oldest first."""
    found = [letter.about() for letter in _letters(nats, data)]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif not found:
        typer.echo("There are no dead letters.")
    else:
        for one in found:
            typer.echo("{id}  {time}  {listener}  {subject}  tries: {tries}".format_map(one))
            typer.echo(f"    {one['error']}")


@app.command()
def show(number: Number, *, nats: Nats = None, data: Data = None) -> None:
    """Show all of a dead letter but the secrets in it."""
    from ticketing_ops.events.connection import at_the_bus
    from ticketing_ops.events.dead_letters import Letter

    letter = at_the_bus(nats, data, lambda js: Letter.find(js, number))
    typer.echo(json.dumps(letter.all(), indent=2, ensure_ascii=False))


@app.command()
def retry(
    number: NumberOrAll = None,
    *,
    every: All = False,
    yes: Yes = False,
    nats: Nats = None,
    data: Data = None,
) -> None:
    """Have the listener that failed handle it again; nobody else hears of it."""
    from ticketing_ops.events import dead_letters

    _do("retry", dead_letters.retry, number, every, yes, nats, data)


@app.command()
def discard(
    number: NumberOrAll = None,
    *,
    every: All = False,
    yes: Yes = False,
    nats: Nats = None,
    data: Data = None,
) -> None:
    """Forget it for good."""
    from ticketing_ops.events import dead_letters

    _do("discard", dead_letters.discard, number, every, yes, nats, data)


def _do(
    verb: str,
    act: "Callable[[JetStreamContext, int], Awaitable[Letter]]",
    number: int | None,
    every: bool,
    yes: bool,
    nats: str | None,
    data: Any,
) -> None:
    """Do it to one or all, once it is agreed to. What was done is told as it is done."""
    from ticketing_ops.events.connection import at_the_bus

    if every == (number is not None):
        raise typer.BadParameter("Name one by its ID, or say --all.")
    numbers = [letter.number for letter in _letters(nats, data)] if number is None else [number]
    which = f"dead letter {number}" if number is not None else f"all {len(numbers)} dead letters"
    if numbers and not yes:
        typer.confirm(f"{verb.capitalize()} {which}?", abort=True)

    async def work(js: "JetStreamContext") -> None:
        for each in numbers:
            letter = await act(js, each)
            typer.echo(f"{each}  {letter.subject}  for {letter.service}: {verb} is done")

    at_the_bus(nats, data, work)


def _letters(nats: str | None, data: Any) -> "list[Letter]":
    from ticketing_ops.events.connection import at_the_bus
    from ticketing_ops.events.dead_letters import letters

    async def work(js: "JetStreamContext") -> "list[Letter]":
        async with aclosing(letters(js)) as found:
            return [letter async for letter in found]

    return at_the_bus(nats, data, work)
