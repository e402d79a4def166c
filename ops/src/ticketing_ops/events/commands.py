"""`ticketing events`: what is said on the bus, and what may be said there once more."""

import json
import sys
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

# What knows NATS and pydantic is imported where it is used: it would slow other commands down.
if TYPE_CHECKING:
    from nats.js import JetStreamContext

from ticketing_ops.events.options import Data, Moment, Nats

app = typer.Typer(help="The bus: what is said, and saying it again.", no_args_is_help=True)

Pattern = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="Which events: order.created, 'ticket.*', '>'.")
]


@app.command()
def tail(
    subject: Pattern = ">",
    *,
    since: Annotated[
        datetime | None, Moment("--since", help="What was said before, too: 15m, 2h, a time.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, a line each.")] = False,
    nats: Nats = None,
    data: Data = None,
) -> None:
    """Show what is said, as it is said. Secrets are not shown."""
    from ticketing_ops.events import display
    from ticketing_ops.events.connection import at_the_bus
    from ticketing_ops.events.tail import tail as heard

    async def show(js: "JetStreamContext") -> None:
        async with aclosing(heard(js, subject, since)) as messages:
            async for message in messages:
                typer.echo(
                    json.dumps(display.as_json(message)) if as_json else display.as_line(message)
                )

    at_the_bus(nats, data, show)


@app.command()
def publish(
    subject: Annotated[str, typer.Argument(help="The event's, as order.created.")],
    body: Annotated[str, typer.Argument(metavar="JSON", help="The event; - reads it from stdin.")],
    *,
    nats: Nats = None,
    data: Data = None,
) -> None:
    """Say an event in its producer's place. It must be one, and everybody hears it."""
    from ticketing_ops.events.connection import at_the_bus
    from ticketing_ops.events.publish import publish as say
    from ticketing_ops.events.publish import sealed

    async def work(js: "JetStreamContext") -> str:
        return await say(js, sealed(subject, text.encode()))

    text = sys.stdin.read() if body == "-" else body
    typer.echo(at_the_bus(nats, data, work))


@app.command()
def replay(
    subject: Pattern = ">",
    *,
    to: Annotated[str, typer.Option("--to", metavar="SERVICE", help="Who hears it again.")],
    since: Annotated[
        datetime | None,
        Moment("--from", help="From when on: 2h, 7d, a time.", show_default="all that is kept"),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until all of it is handled.")
    ] = 60,
    nats: Nats = None,
    data: Data = None,
) -> None:
    """Tell one service again what it has heard, so that it rebuilds what it has lost.

    Harmless where nothing is lost. It sends no mails a second time.
    """
    from ticketing_ops.events.connection import at_the_bus
    from ticketing_ops.events.replay import left
    from ticketing_ops.events.replay import replay as publish_replay

    replayed = at_the_bus(nats, data, lambda js: publish_replay(js, to, subject, since))
    for told, count in sorted(replayed.counts.items()):
        typer.echo(f"{told:<24}{count:>8}")
    typer.echo(f"{'in all, told to ' + to:<24}{replayed.counts.total():>8}")
    if since is None and replayed.without_a_beginning:
        some = ", ".join(sorted(replayed.without_a_beginning)[:5])
        typer.secho(
            f"{len(replayed.without_a_beginning)} documents began before what the bus still holds, "
            f"as {some}: copies of them that are lost come back from a backup only.",
            fg="yellow",
            err=True,
        )
    if unhandled := at_the_bus(nats, data, lambda js: left(js, to, wait)):
        typer.secho(
            f"{unhandled} are not handled yet. They wait for {to}, or for what must come before "
            "them, up to a day; then they are dead letters.",
            fg="yellow",
            err=True,
        )
