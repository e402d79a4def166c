"""Errors that a command reports to its user."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup


class CommandError(Exception):
    """A command cannot do its work, for a reason that its user can change."""


class DamagedFile(CommandError):
    """A file does not have the content that this program has written."""

    def __init__(self, path: Path, remedy: str) -> None:
        super().__init__(f"{path} is damaged. {remedy}")


def read_json(path: Path, remedy: str) -> Any:
    """Return the content of a JSON file. Raises: OSError, DamagedFile with what to do then."""
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise DamagedFile(path, remedy) from None


@contextmanager
def exit_on_error(*errors: type[Exception]) -> Iterator[None]:
    """Print a CommandError, or one of `errors`, in one line and exit with status 1."""
    reported: tuple[type[Exception], ...] = (CommandError, *errors)
    try:
        yield
    except BrokenPipeError:  # the reader of the output has ended, which is no error of the command
        raise
    except reported as error:
        typer.secho(_text(error), fg="red", err=True)
        raise typer.Exit(1) from None


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f"{error.filename}: {error.strerror}. Check the path and its permissions."
    return str(error)


class Commands(TyperGroup):
    """Commands that report a file that cannot be read or written, or is damaged, in one line."""

    def invoke(self, ctx: Any) -> Any:
        with exit_on_error(OSError):
            return super().invoke(ctx)
