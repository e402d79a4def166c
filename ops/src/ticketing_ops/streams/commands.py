"""`ticketing streams`: create the streams and consumers of the message bus."""

from typing import TYPE_CHECKING, Annotated

import typer

from ticketing_ops.options import DataOption, NatsOption

# Commands import slow modules where they use them, so that the command line starts fast.
if TYPE_CHECKING:
    from nats.js import JetStreamContext

app = typer.Typer(help="Create the streams and consumers of the bus.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make Typer treat the only command as one of several."""


@app.command()
def provision(
    *,
    replicas: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=5,
            envvar="NATS_REPLICAS",
            help="The number of NATS servers that keep each stream.",
            show_default="that of the existing streams, else 1",
        ),
    ] = None,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Create every missing stream and consumer of all services, and update the others.

    Events that wait in the outboxes are published within a minute afterwards.
    """
    from ticketing_common.messaging.streams import provision_system
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.subscriptions import consumed_events

    async def work(js: "JetStreamContext") -> int:
        count = 0
        async for change in provision_system(js, consumed_events(), replicas=replicas):
            typer.echo(change)
            count += 1
        return count

    if not run_on_bus(nats, data, work):
        typer.echo("All streams and consumers exist.")
