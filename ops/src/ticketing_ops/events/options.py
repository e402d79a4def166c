"""What several commands take."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

Nats = Annotated[
    str | None,
    typer.Option(
        "--nats", envvar="NATS_URL", help="The bus.", show_default="that of the running stack"
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="The stack's data folder.", show_default=".ticketing/ of this checkout"),
]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """`15m`, `2h`, `30d` ago, or a time of ISO 8601, in UTC unless it says otherwise.

    Raises typer.BadParameter for anything else.
    """
    try:
        if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        example = "write 15m, 2h, 30d or 2026-11-21T10:00Z"
        raise typer.BadParameter(f"{text!r} is no time: {example}") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def Moment(name: str, **more: Any) -> Any:
    """An option that takes a point in time."""
    return typer.Option(name, parser=moment, metavar="TIME", **more)
