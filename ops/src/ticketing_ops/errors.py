"""Errors that a command reports to its user."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


class CommandError(Exception):
    """A command cannot do its work, for a reason that its user can change."""


@contextmanager
def exit_on_error(*errors: type[Exception]) -> Iterator[None]:
    """Print a CommandError, or one of `errors`, and exit with status 1."""
    reported: tuple[type[Exception], ...] = (CommandError, *errors)
    try:
        yield
    except reported as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None
