"""Options that several commands share."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The data folder of the local stack to use.",
        show_default=".ticketing/ of this checkout",
    ),
]
NatsOption = Annotated[
    str | None,
    typer.Option(
        "--nats",
        metavar="URL",
        help="The NATS server to use.",
        show_default="NATS_URL, else that of the local stack",
    ),
]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_time(text: str) -> datetime:
    """Parse an age (`15m`, `2h`, `30d`) or an ISO 8601 time, in UTC if it has no offset.

    Raises:
        typer.BadParameter: `text` is neither.
    """
    try:
        if age := re.fullmatch(r"(\d{1,6})([smhd])", text):
            return datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a time. Write 15m, 2h, 30d or 2026-11-21T10:00Z."
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def time_option(name: str, **settings: Any) -> Any:
    """Return an option that takes a point in time."""
    return typer.Option(name, parser=parse_time, metavar="TIME", **settings)
