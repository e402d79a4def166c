"""The parts' logs, told together: each line says whose it is."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import cycle
from pathlib import Path

from rich.text import Text

COLORS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_green")
LOOK_EVERY_SECONDS = 0.25


class Tail:
    """Reads on where it left off in a file that grows, and may be begun anew."""

    def __init__(self, path: Path, last: int | None = None) -> None:
        """Begin at the last so many lines; with None, at the first line."""
        self._path = path
        self._inode = 0
        self._offset = 0
        self._rest = b""
        if last is not None and path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            self._inode = path.stat().st_ino
            self._offset = sum(map(len, lines[: len(lines) - last]))

    def new_lines(self) -> Iterator[str]:
        """The whole lines that came since."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return
        if now.st_ino != self._inode or now.st_size < self._offset:
            self._inode, self._offset, self._rest = now.st_ino, 0, b""
        if now.st_size == self._offset:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            read = file.read()
        self._offset += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


class Teller:
    """Sets lines behind the names of those who logged them."""

    def __init__(self, names: list[str], *, for_people: bool) -> None:
        """`for_people`: in words, where a machine would want each line as it is."""
        self._for_people = for_people
        self._width = max(map(len, names), default=0)
        self._colors = dict(zip(names, cycle(COLORS), strict=False))

    def told(self, name: str, line: str) -> Text:
        """One line of this part."""
        prefix = Text(f"{name:{self._width}} | ", style=self._colors.get(name, "white"))
        return prefix.append(readable(line) if self._for_people else Text.from_ansi(line))


LEVELS = {"warning": "yellow", "error": "red", "critical": "red"}
KNOWN_ALREADY = ("service", "logger", "trace_id")


def readable(line: str) -> Text:
    """A line for a person: our services log JSON, every other part what it likes."""
    try:
        event = json.loads(line)
        told = f"{event.pop('timestamp')[11:23]} {event.pop('event')}"
        level = event.pop("level")
    except (ValueError, TypeError, KeyError, AttributeError):
        return Text.from_ansi(line)
    trace = event.pop("exception", "")
    facts = (f"{name}={fact}" for name, fact in event.items() if name not in KNOWN_ALREADY)
    text = Text(" ".join([told, *facts]), style=LEVELS.get(level, ""))
    return text.append(f"\n{trace}") if trace else text


async def follow(tails: Mapping[str, Tail]) -> AsyncIterator[tuple[str, str]]:
    """Names and lines as they come, for ever."""
    while True:
        for name, tail in tails.items():
            for line in tail.new_lines():
                yield name, line
        await asyncio.sleep(LOOK_EVERY_SECONDS)
