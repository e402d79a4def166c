"""The state of a stack and its processes, as written to the state file of the data folder."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from ticketing_ops.errors import DamagedFile, read_json

REMEDY = "Delete it, then start the stack again with `ticketing up`: its data stay."
"""The way out of a damaged state file."""
ProcessStatus = Literal[
    "waiting", "starting", "ready", "restarting", "failing", "stopping", "stopped"
]


@dataclass(frozen=True)
class ProcessState:
    """The state of one process."""

    name: str
    address: str
    state: ProcessStatus = "waiting"
    pid: int | None = None
    restarts: int = 0
    note: str = ""
    """Details of the last change of state."""

    @property
    def port(self) -> int:
        """The port of the address."""
        return int(self.address.rpartition(":")[2])


@dataclass(frozen=True)
class StackState:
    """The state of a stack. It is `ready` once all processes have been ready."""

    url: str
    state: Literal["starting", "ready", "stopping", "stopped"]
    pid: int | None = None
    processes: list[ProcessState] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the last written state; None if the file does not exist.

        Raises: DamagedFile, OSError.
        """
        try:
            stored = read_json(path, REMEDY)
            processes = [ProcessState(**process) for process in stored["processes"]]
            return cls(**stored | {"processes": processes})
        except FileNotFoundError:
            return None
        except (KeyError, TypeError):
            raise DamagedFile(path, REMEDY) from None

    def write(self, path: Path) -> None:
        """Replace the file atomically."""
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(self.to_json())
        draft.replace(path)

    def to_json(self) -> str:
        """Return the state as JSON."""
        return json.dumps(asdict(self), indent=2)
