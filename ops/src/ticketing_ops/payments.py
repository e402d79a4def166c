"""`ticketing payments`: what an operator does about money, run in the payments service's place.

In a cluster the same commands are `kubectl exec deploy/payments-depl -- python -m payments ...`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ticketing_dev.stack import control
from ticketing_dev.stack.control import Refused
from ticketing_dev.stack.environment import environment_of

app = typer.Typer(help="Money: what came in, what goes back.", no_args_is_help=True)

Data = Annotated[
    Path | None,
    typer.Option(help="The stack's data folder.", show_default=".ticketing/ of this checkout"),
]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]


@app.command()
def reconcile(
    hours: Annotated[float, typer.Option(min=0, max=720, help="How far back to look.")] = 24,
    data: Data = None,
) -> None:
    """Take in what Stripe told and we have not heard. The service does so every few minutes."""
    _run(data, "reconcile", "--hours", str(hours))


@app.command()
def refund(
    order: OrderId,
    reason: Annotated[str, typer.Option(help="Why, in words that the buyer reads.")],
    data: Data = None,
) -> None:
    """Give back what was paid for an order: in full, once. The ticket stays the buyer's."""
    _run(data, "refund", order, "--reason", reason)


@app.command()
def show(order: OrderId, data: Data = None) -> None:
    """Show how the payments for an order stand."""
    _run(data, "show", order)


def _run(data: Path | None, *words: str) -> None:
    try:
        env = environment_of(control.absolute(data), "payments")
    except (Refused, ValueError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
    command = [sys.executable, "-P", "-m", "payments", *words]
    ended = subprocess.run(command, env={**os.environ, **env}, check=False)
    raise typer.Exit(ended.returncode)
