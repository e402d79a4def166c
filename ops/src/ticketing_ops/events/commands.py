"""`ticketing events`: show, publish and replay domain events, and list parked ones."""

import json
import sys
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ticketing_ops.options import DataOption, NatsOption, time_option

# Commands import slow modules where they use them, so that the command line starts fast.
if TYPE_CHECKING:
    from nats.js import JetStreamContext

app = typer.Typer(help="Show, publish and replay domain events.", no_args_is_help=True)

Pattern = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="Subject of the events, or a pattern: 'ticket.*'.")
]


@app.command()
def tail(
    subject: Pattern = ">",
    *,
    since: Annotated[
        datetime | None,
        time_option(
            "--since", help="Show earlier events too: of the last 15m or 2h, or from a time."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line, with the headers.")
    ] = False,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Show events as they are published. Secrets are masked."""
    from ticketing_ops.events import display
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.events.tail import tail

    async def show(js: "JetStreamContext") -> None:
        async with aclosing(tail(js, subject, since)) as messages:
            async for message in messages:
                typer.echo(
                    json.dumps(display.as_json(message)) if as_json else display.as_line(message)
                )

    run_on_bus(nats, data, show)


@app.command()
def publish(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="Subject of the event: order.created.")
    ],
    body: Annotated[
        str, typer.Argument(metavar="JSON", help="The event's data; - reads standard input.")
    ],
    *,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Publish an event to every consumer, as its producer would, and print its id."""
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.events.publish import envelope_of, publish

    async def work(js: "JetStreamContext") -> str:
        return await publish(js, envelope_of(subject, text.encode()))

    text = sys.stdin.read() if body == "-" else body
    typer.echo(run_on_bus(nats, data, work))


@app.command()
def replay(
    subject: Pattern = ">",
    *,
    to: Annotated[str, typer.Option("--to", metavar="SERVICE", help="The service to send to.")],
    since: Annotated[
        datetime | None,
        time_option(
            "--since",
            help="Events of the last 2h or 7d, or from a time.",
            show_default="all events",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until the service has handled them.")
    ] = 60,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Send one service its past events, so that it rebuilds lost copies.

    Events that it has handled change nothing, and no mail is sent twice.
    """
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.events.replay import replay, wait_until_handled

    result = run_on_bus(nats, data, lambda js: replay(js, to, subject, since))
    for sent, count in sorted(result.counts.items()):
        typer.echo(f"{sent:<24}{count:>8}")
    typer.echo(f"{'total sent to ' + to:<24}{result.counts.total():>8}")
    if since is None and result.incomplete:
        examples = ", ".join(sorted(result.incomplete)[:5])
        typer.secho(
            f"{len(result.incomplete)} documents are older than the stream, such as {examples}. "
            "Restore lost copies of them from a backup.",
            fg="yellow",
            err=True,
        )
    if remaining := run_on_bus(nats, data, lambda js: wait_until_handled(js, to, wait)):
        typer.secho(
            f"{remaining} events are not handled yet. {to} handles them when it runs.",
            fg="yellow",
            err=True,
        )


@app.command("set-aside")
def list_set_aside(
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="The most events to show per service.")
    ] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: DataOption = None,
) -> None:
    """List committed events that NATS refuses to store, and those that wait for one of them.

    Reads the services' databases (ORDERS_MONGO_URI and so on), otherwise the local stack.
    """
    import asyncio

    from ticketing_ops.connections import DatabaseConnections
    from ticketing_ops.errors import exit_on_error
    from ticketing_ops.events.unpublished import set_aside

    with exit_on_error():
        found = asyncio.run(set_aside(DatabaseConnections.load(data), limit))
    rows = [event.as_json() for event in found]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif not rows:
        typer.echo("No event is set aside.")
    for row in rows if not as_json else ():
        typer.echo(
            "{service:<10}{subject:<24}{document}  age: {ageSeconds} s  "
            "attempts: {attempts}".format_map(row)
        )
        typer.echo(f"    {row['error'] or 'waits for an earlier event of its document'}")


@app.command()
def parked(
    service: Annotated[
        str | None,
        typer.Argument(metavar="[SERVICE]", help="One service.", show_default="all services"),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Events that are shown of each service.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: DataOption = None,
) -> None:
    """List the parked events: acknowledged, and not handled yet. Reads the services' databases."""
    from pymongo.errors import PyMongoError

    from ticketing_common.topology import SERVICES_WITH_DATABASE
    from ticketing_ops.connections import DatabaseConnections
    from ticketing_ops.errors import exit_on_error
    from ticketing_ops.parked_events import parked_events

    if service is not None and service not in SERVICES_WITH_DATABASE:
        raise typer.BadParameter(f"Services: {', '.join(SERVICES_WITH_DATABASE)}")
    with exit_on_error(PyMongoError):
        connections = DatabaseConnections.load(data)
        names = SERVICES_WITH_DATABASE if service is None else (service,)
        found = list(parked_events({name: connections.mongo_uri(name) for name in names}, limit))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for row in found:
        typer.echo(f"{row['service']:<10}{row['count']:>8} parked")
        for event in row["events"]:
            typer.echo(
                "    {event}  {subject}  {document}  since {parked}  waits: {waits}  "
                "failures: {failures}".format_map(event)
            )
            typer.echo(f"        {event['reason']}")
