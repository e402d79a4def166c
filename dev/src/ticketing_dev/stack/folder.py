"""The data folder of a stack: what lies where, and what of it may be removed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.state import StackState


@dataclass(frozen=True)
class Folder:
    """Where a stack keeps what it has. Each part has a folder of its own beside these files."""

    path: Path

    @classmethod
    def here(cls) -> "Folder":
        """That of the checkout one stands in: `.ticketing/` at its top."""
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / INGRESS.relative_to(ROOT)).exists():
                return cls(folder / ".ticketing")
        return cls(here / ".ticketing")

    @property
    def lock(self) -> Path:
        """Held by the stack that runs here."""
        return self.path / "lock"

    @property
    def keys(self) -> Path:
        """The stack's secrets."""
        return self.path / "keys.json"

    @property
    def log(self) -> Path:
        """What a detached stack has to say."""
        return self.path / "stack.log"

    @property
    def state(self) -> StackState | None:
        """How the stack does, or did when it ended; None before the first."""
        return StackState.read(self._state)

    def write(self, state: StackState) -> None:
        """Tell how the stack does."""
        state.write(self._state)

    def clear(self) -> None:
        """Remove all that stacks have left here, and nothing else that may lie here."""
        for part in self.state.parts if self.state else []:
            shutil.rmtree(self.path / part.name, ignore_errors=True)
        for file in (self._state, self.keys, self.log):
            file.unlink(missing_ok=True)

    @property
    def _state(self) -> Path:
        return self.path / "state.json"
