"""The command `ticketing mongod install`."""

from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from ticketing_dev.mongodb import builds
from ticketing_dev.mongodb.install import DOWNLOADS, InstallError, install

TIMEOUT_SECONDS = 30

app = typer.Typer(help="MongoDB's own server, in place of the embedded one.", no_args_is_help=True)


@app.callback()
def mongod() -> None:
    """Manage MongoDB's own server in this checkout."""


@app.command("install")
def install_command(
    *,
    platform: Annotated[
        str | None,
        typer.Option(help="The build to install.", show_default="the one for this machine"),
    ] = None,
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="The download server or a mirror.")
    ] = DOWNLOADS,
) -> None:
    """Download MongoDB's server into this checkout, verified; from then on it is the default."""
    target = builds.binary()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    try:
        build = builds.build_for(platform or builds.this_platform())
        with (
            httpx.Client(base_url=source, timeout=TIMEOUT_SECONDS) as client,
            Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        ):
            task = progress.add_task(f"{build.name}.tgz")
            install(
                build,
                target,
                client,
                lambda received, total: progress.update(task, completed=received, total=total),
            )
    except (builds.UnknownPlatform, InstallError, httpx.InvalidURL) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Installed MongoDB {build.version}. `ticketing up` and the tests use it now.")
    typer.echo(f"To use the embedded MongoDB again, delete {target}")


def register(parent: typer.Typer) -> None:
    """Add the commands to the `ticketing` command line."""
    parent.add_typer(app, name="mongod")
