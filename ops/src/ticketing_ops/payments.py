"""`ticketing payments`: run the payments service's own command.

The command is part of the payments service. In a cluster its image runs it: docs/operations.md.
"""

import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Annotated

import typer

from ticketing_ops.errors import exit_on_error
from ticketing_ops.options import DataOption

# Commands import slow modules where they use them, so that the command line starts fast.
if TYPE_CHECKING:
    from pathlib import Path

    from ticketing_ops.connections import Connections

app = typer.Typer(help="Show, refund and reconcile payments.", no_args_is_help=True)

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]


@app.command()
def reconcile(
    hours: Annotated[
        float, typer.Option(min=0, max=720, metavar="HOURS", help="How far back to read.")
    ] = 24,
    data: DataOption = None,
) -> None:
    """Process Stripe events whose webhook was missed. The service does so every few minutes."""
    _run(data, "reconcile", "--hours", str(hours))


@app.command()
def refund(
    order: OrderId,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason, which the buyer reads.")],
    data: DataOption = None,
) -> None:
    """Refund an order's payment in full, once. The buyer keeps the ticket."""
    _run(data, "refund", order, "--reason", reason)


@app.command()
def show(order: OrderId, data: DataOption = None) -> None:
    """Show the payments of an order and their status."""
    _run(data, "show", order)


def command(*arguments: str) -> list[str]:
    """Return the command line of the payments service's own command."""
    return [sys.executable, "-P", "-m", "payments", *arguments]


def is_installed() -> bool:
    """Return whether the payments service is installed here, as it is in a checkout."""
    return find_spec("payments") is not None


def environment(connections: "Connections") -> dict[str, str]:
    """Return the variables of the payments service's command.

    It neither verifies sessions nor receives webhooks, so it gets random keys for both.
    """
    from ticketing_common.sessions.keys import SigningKey, public_key_set

    variables = {
        "MONGO_URI": connections.mongo_uri("payments"),
        "NATS_URL": connections.nats_url,
        "STRIPE_KEY": connections.stripe_key.get_secret_value(),
        "JWT_PUBLIC_KEYS": public_key_set(SigningKey.generate()),
        "STRIPE_WEBHOOK_SECRET": token_urlsafe(48),
    }
    if connections.stripe_api_base is not None:
        variables["STRIPE_API_BASE"] = connections.stripe_api_base
    return {**os.environ, **variables}


def _run(data: "Path | None", *arguments: str) -> None:
    from ticketing_ops.connections import Connections
    from ticketing_ops.errors import CommandError

    with exit_on_error():
        if not is_installed():
            raise CommandError(
                "The payments service is not installed here. In a cluster run "
                f"`infra/run-job.sh payments-command {shlex.join(arguments)}`."
            )
        variables = environment(Connections.load(data))
    ended = subprocess.run(command(*arguments), env=variables, check=False)
    raise typer.Exit(ended.returncode)
