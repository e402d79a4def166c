"""`ticketing audit` on the command line."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

VIOLATED, COULD_NOT_LOOK = 1, 2
"""Exit statuses."""


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds that something may be on its way.")
    ] = 10,
    days: Annotated[
        float, typer.Option(min=0, max=3650, help="How far back Stripe's charges are compared.")
    ] = 30,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended, asking first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --repair: do not ask.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="The stack's data folder.", show_default=".ticketing/ of this checkout"),
    ] = None,
) -> None:
    """Check that what always holds does hold: tickets, orders, money and events.

    Looks at the stack that runs here or, where AUDIT_ORDERS_MONGO_URI and the like are set, at the
    stores that the environment names. The exit status is 1 for a violation, 2 if it could not look.
    """
    # Imported here, because all the services' code would slow every other command down.
    from ticketing_ops.audit.away import Away
    from ticketing_ops.audit.session import Unknown, Wish, addresses, run

    try:
        wish = Wish(timedelta(seconds=grace), timedelta(days=days), repair, yes, as_json)
        is_clean = asyncio.run(run(addresses(data), wish))
    except (Away, Unknown) as error:
        if as_json:
            away = error.store if isinstance(error, Away) else None
            typer.echo(json.dumps({"ok": None, "error": str(error), "away": away}, indent=2))
        else:
            typer.secho(f"Could not look: {error}", fg="red", err=True)
        raise typer.Exit(COULD_NOT_LOOK) from None
    except KeyboardInterrupt:
        raise typer.Exit(COULD_NOT_LOOK) from None
    if not is_clean:
        raise typer.Exit(VIOLATED)
