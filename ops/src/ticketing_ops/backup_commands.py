"""The commands of backup.py, on the stack that runs here."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder.")]
Data = Annotated[
    Path | None,
    typer.Option(help="The stack's data folder.", show_default=".ticketing/ of this checkout"),
]


def backup(folder: Folder, data: Data = None) -> None:
    """Copy what the services' databases hold into a new folder, each as of one moment."""
    from ticketing_ops import backup

    _tell(lambda: backup.backup(_uris(data, None), folder.absolute()))


def restore(
    folder: Folder,
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]...", help="Whose; all if left out.", show_default=False),
    ] = None,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Even where a database holds something.")
    ] = False,
    data: Data = None,
) -> None:
    """Bring databases back as they were. What was heard since: `ticketing events replay`."""
    from ticketing_ops import backup

    _tell(lambda: backup.restore(_uris(data, services), folder.absolute(), replace=replace))


def _uris(data: Path | None, services: list[str] | None) -> dict[str, str]:
    """The databases of the stack. Raises Refused where none runs, or for a service without one."""
    from ticketing_dev.stack import control
    from ticketing_dev.stack.environment import environment_of
    from ticketing_ops.backup import SERVICES

    if unknown := {*(services or ())} - {*SERVICES}:
        raise control.Refused(f"No database is {min(unknown)}'s. There are: {', '.join(SERVICES)}")
    stack = control.absolute(data)
    return {one: environment_of(stack, one)["MONGO_URI"] for one in services or SERVICES}


def _tell(work: Callable[[], dict[str, int]]) -> None:
    """Do it, and say how many documents each database has; what is in the way, with status 1."""
    from pymongo.errors import PyMongoError

    from ticketing_dev.stack.control import Refused

    try:
        counts = work()
    except (Refused, PyMongoError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
    for service, count in counts.items():
        typer.echo(f"{service:<12}{count:>8} documents")
