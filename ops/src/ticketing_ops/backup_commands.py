"""`ticketing backup` and `ticketing restore`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_ops.errors import CommandError, exit_on_error
from ticketing_ops.options import DataOption

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]


def backup(folder: Folder, data: DataOption = None) -> None:
    """Copy each service's database into a new folder, each as of one moment."""
    # Imported here, so that the command line starts fast.
    from pymongo.errors import PyMongoError

    from ticketing_ops import backup
    from ticketing_ops.connections import DatabaseConnections

    with exit_on_error(PyMongoError, OSError):
        connections = DatabaseConnections.load(data)
        uris = {service: connections.mongo_uri(service) for service in SERVICES_WITH_DATABASE}
        _print(backup.backup(uris, folder.absolute()))


def restore(
    folder: Folder,
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="A service; all by default.", show_default=False),
    ] = None,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete the present documents of a database first.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Restore databases from a backup. Then run `ticketing events replay` for later events."""
    from pymongo.errors import PyMongoError

    from ticketing_ops import backup
    from ticketing_ops.connections import DatabaseConnections

    with exit_on_error(PyMongoError, OSError):
        if unknown := {*(services or ())} - {*SERVICES_WITH_DATABASE}:
            names = ", ".join(SERVICES_WITH_DATABASE)
            raise CommandError(f"{min(unknown)} has no database. Services with one: {names}.")
        connections = DatabaseConnections.load(data)
        chosen = services or SERVICES_WITH_DATABASE
        uris = {service: connections.mongo_uri(service) for service in chosen}
        _print(backup.restore(uris, folder.absolute(), replace=replace))


def _print(counts: Mapping[str, int]) -> None:
    for service, count in counts.items():
        typer.echo(f"{service:<12}{count:>8} documents")
