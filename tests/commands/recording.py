"""The records of the services, as units of work: requests, handled events, and background work."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.commands.recorded_service import BACKGROUND


@dataclass(frozen=True)
class Command:
    """One MongoDB command."""

    name: str
    collection: str
    condition: tuple[str, ...]
    """The fields of its filter."""
    events: tuple[str, ...]
    """The subjects of the events that it adds to the outbox."""
    in_transaction: bool

    @classmethod
    def of(cls, line: dict[str, Any]) -> "Command":
        return cls(
            line["command"],
            line["collection"],
            tuple(line["condition"]),
            tuple(line["events"]),
            line["in_transaction"],
        )

    def __str__(self) -> str:
        name = self.name.removesuffix("Transaction")
        events = f"({', '.join(self.events)})" if self.events else ""
        return " ".join(filter(None, (name, self.collection, events)))


@dataclass
class Unit:
    """The commands of one request or of one handled event."""

    commands: list[Command] = field(default_factory=list)
    label: str = ""
    outcome: str = ""
    has_conflict: bool = False

    def __str__(self) -> str:
        """Return the commands in their order, those of a transaction in brackets."""
        parts: list[str] = []
        is_open = False
        for command in self.commands:
            starts = command.in_transaction and not is_open
            ends = command.name in ("commitTransaction", "abortTransaction")
            parts.append(f"{'[' if starts else ''}{command}{']' if ends else ''}")
            is_open = command.in_transaction and not ends
        return ", ".join(parts)


@dataclass
class Record:
    """The work of one service in one step."""

    units: list[Unit] = field(default_factory=list)
    background: list[Command] = field(default_factory=list)
    published: list[str] = field(default_factory=list)


class RecordReader:
    """Reads the records of a service."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> Record:
        """Return the record since the last call."""
        if not self.size():
            return Record()
        with self._path.open() as file:
            file.seek(self._offset)
            lines = [json.loads(line) for line in file]
            self._offset = file.tell() if lines else self._offset
        return _group(lines)


def _group(lines: Iterable[dict[str, Any]]) -> Record:
    record = Record()
    units: defaultdict[int, Unit] = defaultdict(Unit)
    for line in lines:
        if "published" in line:
            record.published.append(line["published"])
            continue
        unit = units[line["unit"]]
        if "command" in line:
            unit.commands.append(Command.of(line))
        elif "conflict" in line:
            unit.has_conflict = True
        else:
            unit.label, unit.outcome = line["label"], str(line["outcome"])
    record.background = units.pop(BACKGROUND, Unit()).commands
    record.units = list(units.values())
    return record
