"""The log files of all processes, merged: each line is prefixed with the process name."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import cycle
from pathlib import Path

from rich.text import Text

COLORS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_green")
POLL_SECONDS = 0.25


class LogReader:
    """Read new lines of a growing file, also after it is truncated or replaced."""

    def __init__(self, path: Path, last: int | None = None) -> None:
        """Start at the last `last` lines, or at the first line if None."""
        self._path = path
        self._inode = 0
        self._offset = 0
        self._incomplete = b""
        if last is not None and path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            self._inode = path.stat().st_ino
            self._offset = sum(map(len, lines[: len(lines) - last]))

    def new_lines(self) -> Iterator[str]:
        """Yield the complete lines written since the last call."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return
        if now.st_ino != self._inode or now.st_size < self._offset:
            self._inode, self._offset, self._incomplete = now.st_ino, 0, b""
        if now.st_size == self._offset:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            read = file.read()
        self._offset += len(read)
        *lines, self._incomplete = (self._incomplete + read).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


class LogFormatter:
    """Format log lines with the name of their process."""

    def __init__(self, names: list[str], *, human_readable: bool) -> None:
        """`human_readable` shortens JSON lines; without it each line stays as it is."""
        self._human_readable = human_readable
        self._width = max(map(len, names), default=0)
        self._colors = dict(zip(names, cycle(COLORS), strict=False))

    def format(self, name: str, line: str) -> Text:
        """Format one line of a process."""
        prefix = Text(f"{name:{self._width}} | ", style=self._colors.get(name, "white"))
        return prefix.append(shorten(line) if self._human_readable else Text.from_ansi(line))


LEVEL_STYLES = {"warning": "yellow", "error": "red", "critical": "red"}
HIDDEN_FIELDS = ("service", "logger", "trace_id")


def shorten(line: str) -> Text:
    """Shorten a JSON line of a service to time, event and fields; keep any other line."""
    try:
        event = json.loads(line)
        summary = f"{event.pop('timestamp')[11:23]} {event.pop('event')}"
        level = event.pop("level")
    except (ValueError, TypeError, KeyError, AttributeError):
        return Text.from_ansi(line)
    traceback = event.pop("exception", "")
    fields = (f"{name}={value}" for name, value in event.items() if name not in HIDDEN_FIELDS)
    text = Text(" ".join([summary, *fields]), style=LEVEL_STYLES.get(level, ""))
    return text.append(f"\n{traceback}") if traceback else text


async def follow(readers: Mapping[str, LogReader]) -> AsyncIterator[tuple[str, str]]:
    """Yield process names with their new lines, forever."""
    while True:
        for name, reader in readers.items():
            for line in reader.new_lines():
                yield name, line
        await asyncio.sleep(POLL_SECONDS)
