"""`ticketing streams`: create the streams and consumers of the message bus."""

import asyncio
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
    watch: Annotated[
        bool, typer.Option("--watch", help="Repeat it every few seconds, until SIGTERM.")
    ] = False,
    nats: NatsOption = None,
    data: DataOption = None,
) -> None:
    """Create every missing stream and consumer of all services, and update the others.

    Events that wait in the outboxes are published within a minute afterwards.
    """
    from ticketing_common.messaging.provisioning import provision
    from ticketing_ops.connections import BusConnection
    from ticketing_ops.errors import exit_on_error
    from ticketing_ops.events.connection import run_on_bus
    from ticketing_ops.streams.provisioner import watch_bus
    from ticketing_ops.subscriptions import consumed_events

    if watch:
        with exit_on_error():
            url = nats or BusConnection.load(data).nats_url
            asyncio.run(watch_bus(url, replicas, typer.echo))
        return

    async def work(js: "JetStreamContext") -> list[str]:
        return await provision(js, consumed_events(), replicas=replicas)

    changes = run_on_bus(nats, data, work)
    typer.echo("\n".join(changes) or "All streams and consumers exist.")
