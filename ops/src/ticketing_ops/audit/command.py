"""`ticketing audit`."""

import asyncio
import json
from datetime import timedelta
from typing import Annotated

import typer

from ticketing_ops.errors import CommandError
from ticketing_ops.options import DataOption

VIOLATED, UNAVAILABLE = 1, 2
"""Exit statuses."""


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a change may be in progress.")
    ] = 10,
    days: Annotated[
        float,
        typer.Option(
            min=0, max=3650, metavar="DAYS", help="How far back Stripe's charges are read."
        ),
    ] = 30,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair violations, after a confirmation of each.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --repair: do not ask for confirmation.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Check the system's invariants: tickets, orders, payments and events.

    Reads the stores that the environment names (ORDERS_MONGO_URI, NATS_URL and so on), otherwise
    those of the local stack. The exit status is 0 without a violation, 1 with one, and 2 if the
    audit cannot run, for example because a store is unavailable.
    """
    # Imported here, so that the command line starts fast.
    from ticketing_ops.audit.errors import StoreUnavailable
    from ticketing_ops.audit.runner import AuditOptions, run
    from ticketing_ops.connections import Connections

    options = AuditOptions(timedelta(seconds=grace), timedelta(days=days), repair, yes, as_json)
    try:
        is_clean = asyncio.run(run(Connections.load(data), options))
    except (StoreUnavailable, CommandError) as error:
        if as_json:
            store = error.store if isinstance(error, StoreUnavailable) else None
            report = {"ok": None, "error": str(error), "unavailable": store}
            typer.echo(json.dumps(report, indent=2))
        else:
            typer.secho(f"The audit failed: {error}", fg="red", err=True)
        raise typer.Exit(UNAVAILABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(UNAVAILABLE) from None
    if not is_clean:
        raise typer.Exit(VIOLATED)
