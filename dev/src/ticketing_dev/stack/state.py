"""What a stack tells about itself in its data folder: which part is where, and how it does."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

Standing = Literal["waiting", "starting", "ready", "restarting", "failing", "stopping", "stopped"]


@dataclass(frozen=True)
class PartState:
    """How one part does."""

    name: str
    address: str
    state: Standing = "waiting"
    pid: int | None = None
    restarts: int = 0
    note: str = ""
    """What just happened to it, in words."""

    @property
    def port(self) -> int:
        """The port of its address."""
        return int(self.address.rpartition(":")[2])


@dataclass(frozen=True)
class StackState:
    """How a whole stack does. It is `ready` once all its parts have been."""

    url: str
    state: Literal["starting", "ready", "stopping", "stopped"]
    pid: int | None = None
    parts: list[PartState] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The state last written, if there is one."""
        try:
            stored = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        return cls(**stored | {"parts": [PartState(**part) for part in stored["parts"]]})

    def write(self, path: Path) -> None:
        """Write it so that a reader sees the old state or the new one, never half of it."""
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(self.to_json())
        draft.replace(path)

    def to_json(self) -> str:
        """For machines."""
        return json.dumps(asdict(self), indent=2)
